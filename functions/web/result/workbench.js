// A result that is loaded: player, panel, timeline, transcript and downloads around one edit.

import { announce, fill, h, toast } from "../dom.js";
import { keepDrafts } from "../editing/draft_keeper.js";
import { forgetDraft, keptDraft, otherDraft } from "../editing/drafts.js";
import { EditSession } from "../editing/edit_session.js";
import { stateOf } from "../editing/from_report.js";
import { mountTimeline } from "../timeline/timeline.js";
import { mountDownloads } from "./downloads.js";
import { mountEditPanel } from "./edit_panel.js";
import { shownClips } from "./reel_clock.js";
import { showNotices } from "./result_notices.js";
import { isSameCut } from "./revision.js";
import { mountRenderFoot } from "./render_foot.js";
import { Rendering } from "./rendering.js";
import { mountResultHead } from "./result_head.js";
import { mountScreen } from "./screen.js";
import { listenToShortcuts } from "./shortcuts.js";
import { timelineData } from "./timeline_data.js";
import { mountTranscript } from "./transcript_panel.js";

/** @typedef {import("../api.js").Job} Job */
/** @typedef {import("../editing/edit_state.js").EditState} EditState */
/** @typedef {import("./loading.js").Loaded} Loaded */
/** @typedef {ReturnType<typeof mountWorkbench>} Workbench */

/**
 * @param {HTMLElement} root
 * @param {{context: import("../app.js").Context, addresses: import("./addresses.js").Addresses, job: Job, loaded: Loaded,
 *   onChanged: () => void, onRevision: (job: Job) => void, onLoadTheirs: () => Promise<void>}} how
 */
export function mountWorkbench(root, { context, addresses, job, loaded, onChanged, onRevision, onLoadTheirs }) {
  let { report } = loaded;
  const data = timelineData(loaded);
  const { durationS, thumbs } = data;
  const { isSourceThere } = loaded;
  const isSound = report.source.width === null;
  const draft = isSourceThere ? keptDraft(job.id, job.rendered_revision) : null;
  const session = new EditSession(stateOf(report), { durationS, draft });
  const other = isSourceThere ? usefulDraft(job, session) : null;
  /** @type {Map<number, EditState>} what earlier revisions were, as long as the page lives */
  const revisions = new Map([[job.rendered_revision, session.rendered]]);
  const parts = areas();
  fill(root, ...Object.values(parts));

  const head = mountResultHead(parts.head, report.source.name);
  const screen = mountScreen(parts.screen, { addresses, isSound, data, isSourceThere, onTime: follow });
  const rendering = new Rendering({
    api: context.api, job, onChanged, onRevision, show: (phase) => foot.show(phase),
    onCancelled: () => toast("Cancelled. The reel is as it was, and your edit is still here."),
  });
  const footRoot = h("div", { class: "render-foot", hidden: !isSourceThere });
  const foot = mountRenderFoot(footRoot, {
    session, onLoadTheirs,
    onRender: () => void rendering.ask(session.state), onRenderOver: () => void rendering.askOver(session.state),
    onCancel: () => void rendering.cancel(),
  });
  const panel = mountEditPanel(parts.panel, {
    session, thumbs, words: data.words, targetS: job.options.target_s ?? null, isReadOnly: !isSourceThere,
    draft: keptWords(draft !== null && session.isEdited, other?.revision ?? null),
    foot: footRoot, now: () => ({ lengthS: report.edit_list.duration_s, join: report.edit_list.join }), onPlay: playHighlight,
    onDiscard: () => {
      if (other) forgetDraft(job.id, other.revision);
      else {
        session.reset();
        drafts.forget();
      }
    },
    onUse: other && (() => {
      session.go(other.state);
      forgetDraft(job.id, other.revision);
    }),
  });
  const timeline = mountTimeline(parts.timeline, {
    data, session, isReadOnly: !isSourceThere, onSeek: (atS, how) => void screen.showSource(atS, how), onPlay: playHighlight,
  });
  const transcript = loaded.transcript && mountTranscript(parts.transcript, {
    transcript: loaded.transcript, session, isReadOnly: !isSourceThere, onSeek: (atS) => {
      screen.seek(atS);
      timeline.reveal(atS);
    },
  });
  parts.transcript.hidden = !transcript;
  parts.lower.classList.toggle("has-transcript", transcript !== null);
  const downloads = mountDownloads(parts.downloads, { addresses, isSound, isSourceThere });
  const endShortcuts = listenToShortcuts({ screen, session: () => (isSourceThere ? session : null) });
  const drafts = keepDrafts(job.id, session, () => rendering.shownRevision);
  shown(job, { isToPlay: false });
  rendering.update(job);

  /** @param {Job} now @param {{isToPlay: boolean}} how */
  function shown(now, { isToPlay }) {
    void screen.showReel(shownClips(report.edit_list), { isToPlay });
    void downloads.update(now.artifacts);
    tellHead(now.rendered_revision);
    showNotices(parts.notices, { job: now, report, isSourceThere });
    context.setTitle(report.source.name);
  }

  /** @param {number} revision */
  function tellHead(revision) {
    const now = { reelS: report.edit_list.duration_s, sourceS: durationS, revision, earlier: [...revisions.keys()].filter((each) => each < revision) };
    head.update(now, (wanted) => {
      session.go(/** @type {EditState} */ (revisions.get(wanted)));
      announce(`The highlights are those of revision ${wanted}. Render again to get its reel.`);
    });
  }

  /** @param {number | null} atS */
  function follow(atS) {
    timeline?.setPlayhead(atS);
    if (atS !== null) transcript?.follow(atS);
  }

  /** @param {string} id */
  function playHighlight(id) {
    const each = session.state.highlights[id];
    if (!each) return;
    const place = session.state.order.indexOf(id);
    session.select(id);
    timeline.reveal(each.startS);
    const label = place < 0 ? "Not in the reel" : `Highlight ${place + 1}`;
    void screen.showSource(each.startS, { isToPlay: true, endS: each.endS, label });
  }

  return {
    session,
    /** Whether the reel there is now was asked for from here. @param {Job} now */
    isOwn: (now) => rendering.own(now) !== null,
    /** @param {Job} now */
    update: (now) => rendering.update(now),
    /** @param {Job} now somebody else's */
    tellTheirs: (now) => foot.show({ kind: "theirs", revision: now.rendered_revision }),
    /** The reel that is shown, from its beginning. */
    watch: () => screen.playReel(),
    forgetDraft: () => drafts.forget(),
    /**
     * Show the reel that was asked for from here. It plays only to somebody who looks at the reel.
     * @param {Job} now @param {Loaded} next
     * @returns {boolean} whether it plays
     */
    show(now, next) {
      report = next.report;
      const state = rendering.own(now) ?? session.state;
      rendering.adopt(now);
      revisions.set(now.rendered_revision, state);
      session.accept(state);
      foot.show({ kind: "ready" });
      const isToPlay = screen.isReel && document.visibilityState === "visible";
      shown(now, { isToPlay });
      return isToPlay;
    },
    unmount() {
      endShortcuts();
      drafts.end();
      transcript?.unmount();
      timeline.unmount();
      panel.unmount();
      foot.unmount();
      screen.unmount();
    },
  };
}

function areas() {
  const transcript = h("section", { class: "card transcript", "aria-label": "Transcript" });
  const downloads = h("section", { class: "card", "aria-label": "Downloads" });
  const screen = h("section", { class: "card", "aria-label": "Player" });
  const panel = h("section", { class: "card edit-panel", "aria-label": "Edit" });
  const made = {
    head: h("div", { class: "page-head result-head" }),
    notices: h("div", { class: "stack result-notices" }),
    upper: h("div", { class: "result-upper" }, screen, h("div", { class: "result-panel" }, panel)),
    timeline: h("section", { class: "result-timeline", "aria-label": "Timeline" }),
    lower: h("div", { class: "result-lower" }, transcript, downloads),
  };
  return Object.defineProperties(/** @type {typeof made & {screen: HTMLElement, panel: HTMLElement, transcript: HTMLElement, downloads: HTMLElement}} */ (made), {
    screen: { value: screen }, panel: { value: panel }, transcript: { value: transcript }, downloads: { value: downloads },
  });
}

/**
 * Return an edit of another revision that is worth an offer: not one whose reel is what there is by now.
 * @param {Job} job @param {EditSession} session
 */
function usefulDraft(job, session) {
  const other = otherDraft(job.id, job.rendered_revision);
  if (!other || !isSameCut(other.state, session.rendered)) return other;
  forgetDraft(job.id, other.revision);
  return null;
}

/** @param {boolean} isEdited @param {number | null} otherRevision */
function keptWords(isEdited, otherRevision) {
  if (otherRevision !== null) return `An edit of revision ${otherRevision} is kept.`;
  return isEdited ? "Your edit from before the reload is here." : null;
}

