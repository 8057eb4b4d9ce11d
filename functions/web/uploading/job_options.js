// What may be asked of a job, as people write it, and as the API takes it. Pure.

import { clock, secondsOf } from "../format.js";

const MOST_TERMS = 50;
const LONGEST_TERM = 60;
const MOST_HINTED = 600;

/** The languages that Montage writes down: codes as the API takes them. */
export const LANGUAGES = (
  "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id " +
  "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si " +
  "sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh"
).split(" ");

/** What the fields of the form say before anybody touches them. */
export const DEFAULT_FIELDS = Object.freeze({
  mode: "auto", target_s: "", keywords: "", longest_clip_s: "", order: "source", speech_language: "", vocabulary: "",
  quality: "standard", join: "cut",
});

/** @typedef {keyof typeof DEFAULT_FIELDS} Field */
/** @typedef {Record<Field, string>} Fields */

/** @type {Partial<Record<Field, Record<string, string>>>} */
export const CHOICES = {
  mode: { auto: "Both, as the footage has it", motion: "Movement", speech: "Speech" },
  order: { source: "As it was filmed", score: "Best first" },
  quality: { draft: "Draft: quick to look at", standard: "Standard", high: "High: nearest to the source" },
  join: { cut: "Straight cuts", crossfade: "Cross-fades", dip: "Dips to black" },
};

/**
 * Return the options to send, only those that differ from the defaults, and what is wrong, in a sentence by field.
 * @param {Fields} fields
 * @returns {{options: Record<string, unknown>, faults: Partial<Record<Field, string>>}}
 */
export function optionsOf(fields) {
  /** @type {Record<string, unknown>} */
  const options = {};
  /** @type {Partial<Record<Field, string>>} */
  const faults = {};
  for (const name of /** @type {Field[]} */ (["mode", "order", "speech_language", "quality", "join"])) {
    if (fields[name] !== DEFAULT_FIELDS[name]) options[name] = fields[name];
  }
  addTime("target_s", 1, 24 * 3600, "Between 1 second and 24 hours, such as 90 or 1:30.");
  addTime("longest_clip_s", 2, 3600, "Between 2 seconds and 1 hour, such as 20 or 1:00.");
  addTerms("keywords", Infinity);
  addTerms("vocabulary", MOST_HINTED);
  return { options, faults };

  /** @param {Field} name @param {number} leastS @param {number} mostS @param {string} sentence */
  function addTime(name, leastS, mostS, sentence) {
    if (!fields[name].trim()) return;
    const seconds = secondsOf(fields[name]);
    if (seconds === null || seconds < leastS || seconds > mostS) faults[name] = sentence;
    else options[name] = seconds;
  }

  /** @param {Field} name @param {number} mostCharacters */
  function addTerms(name, mostCharacters) {
    const terms = termsOf(fields[name]);
    const long = terms.find((term) => term.length > LONGEST_TERM);
    if (terms.length > MOST_TERMS) faults[name] = `At most ${MOST_TERMS} of them, not ${terms.length}.`;
    else if (long) faults[name] = `“${long.slice(0, 20)}…” is too long: at most ${LONGEST_TERM} characters each, commas between them.`;
    else if (terms.join("").length > mostCharacters) faults[name] = `At most ${mostCharacters} characters together. Keep those that matter most.`;
    else if (terms.length) options[name] = terms;
  }
}

/**
 * Return words and phrases that commas or lines separate.
 * @param {string} text
 */
export function termsOf(text) {
  return [...new Set(text.split(/[,;\n]/).map((term) => term.trim().replace(/\s+/g, " ")).filter(Boolean))];
}

/**
 * Return the field that a refusal speaks of, or null.
 * @param {string} detail
 * @returns {Field | null}
 */
export function fieldIn(detail) {
  const names = /** @type {Field[]} */ (Object.keys(DEFAULT_FIELDS));
  return names.find((name) => new RegExp(`\\b${name}\\b`).test(detail)) ?? null;
}

/**
 * Return what will be made, in a few words.
 * @param {Fields} fields
 */
export function inWords(fields) {
  const length = secondsOf(fields.target_s);
  return [
    { auto: "movement and speech", motion: "movement", speech: "speech" }[fields.mode] ?? fields.mode,
    length === null ? "everything good" : `about ${length < 60 ? `${length} s` : clock(length)}`,
    fields.order === "score" && "best first",
    termsOf(fields.keywords).length > 0 && "keywords",
    fields.quality !== "standard" && `${fields.quality} quality`,
    fields.join !== "cut" && { crossfade: "cross-fades", dip: "dips to black" }[fields.join],
  ].filter(Boolean).join(" · ");
}
