// What the parts of a timeline know of each other.

/** @typedef {(atS: number, how: {isToPlay: boolean}) => void} OnSeek whether to play from there: not while something is dragged */
/**
 * @typedef {{root: HTMLElement, scroller: HTMLElement, stage: HTMLElement, source: import("./source_data.js").Source,
 *   session: import("../editing/edit_session.js").EditSession, view: import("./viewport.js").Viewport,
 *   picture: import("./drawing.js").Picture, list: import("./highlight_list.js").HighlightList,
 *   tip: import("./tip.js").Tip, isReadOnly: boolean, playheadS: () => number | null,
 *   onSeek: OnSeek, onPlay: (highlightId: string) => void}} Parts
 */

export {};
