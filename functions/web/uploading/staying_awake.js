// While bytes are sent: the machine stays awake where the browser can ask for it, and leaving is asked about.

/** @type {WakeLockSentinel | null} */
let awake = null;
let isWanted = false;

/**
 * Say whether something is being sent.
 * @param {boolean} isSending
 */
export function stayWhile(isSending) {
  if (isSending === isWanted) return;
  isWanted = isSending;
  if (isSending) {
    addEventListener("beforeunload", warn);
    document.addEventListener("visibilitychange", keepAwake); // a hidden page loses it
  } else {
    removeEventListener("beforeunload", warn);
    document.removeEventListener("visibilitychange", keepAwake);
  }
  keepAwake();
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  event.preventDefault();
  event.returnValue = ""; // older browsers ask only then
}

async function keepAwake() {
  try {
    if (isWanted && document.visibilityState === "visible") {
      const taken = await navigator.wakeLock?.request("screen");
      if (isWanted) awake = taken ?? null;
      else await taken?.release();
    } else if (!isWanted) {
      const held = awake;
      awake = null;
      await held?.release();
    }
  } catch {
    // a low battery, or somebody forbids it: the upload goes on after the sleep
  }
}
