// One person's edit of one reel: the state, what it was before, and what was undone. Tells listeners of changes.

import { isSameReel, moved, switched, trimmed, withHighlight, without } from "./edit_state.js";

/** @typedef {import("./edit_state.js").EditState} EditState */

const MOST_STEPS = 200;

/**
 * Events: "change" (the state is another), "select" (the selected highlight is another).
 * A drag is `trim(…, {isGoing: true})` any number of times and `settle()`: one step to undo.
 */
export class EditSession extends EventTarget {
  /**
   * @param {EditState} state as the reel is
   * @param {{durationS: number, draft?: EditState | null}} more the source's length; what an earlier edit had come to
   */
  constructor(state, { durationS, draft = null }) {
    super();
    this.durationS = durationS;
    this.rendered = state;
    /** @type {EditState} */
    this.state = draft ?? state;
    /** @type {string | null} */
    this.selectedId = null;
    /** @type {EditState[]} */
    this._past = draft ? [state] : [];
    /** @type {EditState[]} */
    this._future = [];
    /** @type {EditState | null} */
    this._beforeDrag = null;
  }

  /** Whether the reel would be another one. */
  get isEdited() {
    return !isSameReel(this.state, this.rendered);
  }

  get canUndo() {
    return this._past.length > 0 || this._beforeDrag !== null;
  }

  get canRedo() {
    return this._future.length > 0;
  }

  /** @param {string} id @param {boolean} on */
  switch(id, on) {
    this._step(switched(this.state, id, on));
  }

  /**
   * @param {string} id
   * @param {{startS?: number, endS?: number}} edges
   * @param {{isGoing?: boolean}} [how] whether more is to come before this counts as a step
   */
  trim(id, edges, { isGoing = false } = {}) {
    const next = trimmed(this.state, id, edges, this.durationS);
    if (!isGoing) {
      this._step(next);
      return;
    }
    if (next === this.state) return;
    this._beforeDrag ??= this.state;
    this.state = next;
    this._tell("change");
  }

  /** End a drag: what it changed is one step. */
  settle() {
    const before = this._beforeDrag;
    this._beforeDrag = null;
    if (before && before !== this.state) this._remember(before);
    if (before) this._tell("change");
  }

  /** Give a drag up. */
  revert() {
    const before = this._beforeDrag;
    this._beforeDrag = null;
    if (!before) return;
    this.state = before;
    this._tell("change");
  }

  /** @param {string} id @param {number} place */
  move(id, place) {
    this._step(moved(this.state, id, place));
  }

  /** @param {{startS: number, endS: number}} span @returns {string} the new highlight's id */
  add(span) {
    const { state, id } = withHighlight(this.state, span, this.durationS);
    this._step(state);
    this.select(id);
    return id;
  }

  /** @param {string} id */
  remove(id) {
    this._step(without(this.state, id));
    if (!this.state.highlights[id] && this.selectedId === id) this.select(null);
  }

  /** Go back to the reel as it is; that can be undone, too. */
  reset() {
    this._step(this.rendered);
  }

  /**
   * Go to a state as one step: that of an earlier revision, say.
   * @param {EditState} state
   */
  go(state) {
    this._step(state);
  }

  /**
   * Take a state for what the reel is now. What was before can still be undone to, and rendered again.
   * @param {EditState} state
   */
  accept(state) {
    this.rendered = state;
    this._tell("change");
  }

  undo() {
    this.settle();
    const before = this._past.pop();
    if (!before) return;
    this._future.push(this.state);
    this._show(before);
  }

  redo() {
    this.settle();
    const next = this._future.pop();
    if (!next) return;
    this._past.push(this.state);
    this._show(next);
  }

  /** @param {string | null} id */
  select(id) {
    if (this.selectedId === id) return;
    this.selectedId = id;
    this._tell("select");
  }

  /** @param {EditState} next */
  _step(next) {
    this.settle();
    if (next === this.state) return;
    this._remember(this.state);
    this._show(next);
  }

  /** @param {EditState} before */
  _remember(before) {
    this._past.push(before);
    if (this._past.length > MOST_STEPS) this._past.shift();
    this._future = [];
  }

  /** @param {EditState} state */
  _show(state) {
    this.state = state;
    if (this.selectedId !== null && !state.highlights[this.selectedId]) this.select(null);
    this._tell("change");
  }

  /** @param {"change" | "select"} type */
  _tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
