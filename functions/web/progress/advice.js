// What a failed job's code means for whoever sent the file, and what to do next. Pure.

/** @typedef {{title: string, advice: string}} Advice */

/** @type {Record<string, Advice>} */
const ADVICE = {
  no_video_stream: {
    title: "There is no moving picture in it",
    advice: "Choose a file with a picture, or make a reel of what is said: options, “Speech”.",
  },
  no_audio_stream: {
    title: "There is no sound in it",
    advice: "Choose a file with sound, or make a reel of what moves: options, “Movement”.",
  },
  no_sound: { title: "Its sound cannot be heard", advice: "Export it with AAC sound, or make a reel of what moves." },
  nothing_to_analyse: {
    title: "There is neither picture nor sound", advice: "Play the file on your device first, then choose one that plays.",
  },
  corrupt: {
    title: "The file is damaged",
    advice: "Copy it from the camera or card again, or export it again. Then upload the new copy.",
  },
  truncated: {
    title: "The end of the file is missing",
    advice: "It was probably copied while it was still being written. Copy the whole file again and upload that.",
  },
  damaged: { title: "The file is damaged", advice: "Copy it from the camera or card again, then upload the new copy." },
  empty_file: { title: "The file is empty", advice: "Copy it from the camera or card again and look at its size first." },
  not_a_video: { title: "This is no video we know", advice: "Export it as MP4, MOV, MKV or WebM and upload that." },
  unsupported_codec: {
    title: "Its format cannot be read", advice: "Export it as H.264 with AAC sound in an MP4; every editor offers that.",
  },
  encrypted: {
    title: "It is copy-protected", advice: "Montage cannot open protected files. Use a copy without protection, such as the camera's own.",
  },
  too_short: { title: "It is too short", advice: "Upload a longer one: a reel needs something to leave out." },
  too_long: { title: "It is too long", advice: "Cut it into parts and upload those together." },
  too_large: { title: "It is too large", advice: "Cut it into parts, or export it smaller." },
  size_mismatch: {
    title: "What arrived is not the whole file",
    advice: "Upload it again, and leave the file alone until it is there: do not record into it or move it.",
  },
  wrong_type: { title: "It is not what it was announced as", advice: "Upload it again under its own name." },
  nothing_found: {
    title: "Nothing stood out",
    advice: "Make the reel again with a fallback allowed, or ask for speech instead of movement.",
  },
  source_gone: { title: "The file went away meanwhile", advice: "Put it back where it was, or upload it here." },
  source_expired: { title: "The video is not kept any more", advice: "Upload it again." },
  no_such_source: { title: "There is no such file", advice: "Check its name, or upload the file here." },
  source_not_allowed: { title: "Files from there are not taken", advice: "Upload the file here instead." },
  cannot_read: { title: "The file cannot be read", advice: "Copy it to this device first and upload that copy." },
  bad_edit_list: { title: "That cut cannot be made", advice: "Undo the last change and render it again." },
  render_failed: { title: "The reel could not be cut", advice: "Try it once more; if that does not help, export the video as H.264 in MP4." },
  task_stuck: {
    title: "One part would not move on", advice: "Try it again. If it stands still again, export the video as H.264 in MP4.",
  },
  crashed_worker: {
    title: "The work broke off", advice: "Try it again: what is done is kept. If it breaks off again, export the video as H.264 in MP4.",
  },
  out_of_memory: {
    title: "There was not enough memory", advice: "Try again when less is running, or export the video in 1080p.",
  },
  disk_full: { title: "The disk is full", advice: "Make room where Montage runs, or erase old reels. Then try again." },
  disk_trouble: { title: "The disk gave trouble", advice: "Try again; whoever runs this Montage should look at its disk." },
  stage_never_ended: { title: "The work did not come to an end", advice: "Try again: what is done is kept." },
  deadline_exceeded: { title: "It took too long", advice: "Try again: what is done is kept." },
  gave_up: { title: "It went wrong several times", advice: "Try again in a while: what is done is kept." },
  cloud_unavailable: { title: "A service was out of reach", advice: "Try again in a while: what is done is kept." },
  short_read: { title: "The file could not be read to its end", advice: "Try again in a while." },
};

/** @type {Advice} */
const WRONG_WITH_FILE = {
  title: "This file does not work", advice: "Export it as H.264 with AAC sound in an MP4 and upload that.",
};
/** @type {Advice} */
const WRONG_WITH_US = { title: "Something went wrong here", advice: "It is not your file. Try again: what is done is kept." };

/**
 * Return what to call an error and what to do about it; there is always something to do.
 * @param {{code: string, is_input?: boolean}} error
 * @returns {Advice}
 */
export function adviceFor({ code, is_input: isInput = false }) {
  return Object.hasOwn(ADVICE, code) ? /** @type {Advice} */ (ADVICE[code]) : isInput ? WRONG_WITH_FILE : WRONG_WITH_US;
}

/**
 * Return what a failure's sentence says of the file itself: where the advice is ours, its own after the semicolon would
 * say the same again.
 * @param {{code: string, message: string}} error
 * @param {string} fileName
 * @returns {string}
 */
export function causeOf({ code, message }, fileName) {
  const end = message.lastIndexOf("; ");
  return ownSentence(end > 0 && Object.hasOwn(ADVICE, code) ? message.slice(0, end) : message, fileName);
}

/**
 * Return an error's sentence without the file's name before it, which stands above it anyway, and with a full stop.
 * @param {string} message
 * @param {string} fileName
 * @returns {string}
 */
export function ownSentence(message, fileName) {
  const prefix = `${fileName}: `;
  const rest = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  const capital = rest.charAt(0).toUpperCase() + rest.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
