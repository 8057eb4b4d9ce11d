import assert from "node:assert/strict";
import { test } from "node:test";

import { contentTypeOf, isMedia, leftOutBecause } from "../../../functions/web/uploading/accepted_types.js";
import { differenceOf, fingerprintOf } from "../../../functions/web/uploading/fingerprint.js";
import { DEFAULT_FIELDS, fieldIn, inWords, LANGUAGES, optionsOf } from "../../../functions/web/uploading/job_options.js";
import { secondsOf } from "../../../functions/web/format.js";
import { figures, shortName, standing } from "../../../functions/web/uploading/upload_words.js";

const plain = (/** @type {string} */ words) => words.replaceAll("\u00a0", " ");
const file = (/** @type {string} */ name, type = "", size = 9) => ({ name, type, size });

test("a type is the browser's where it is media, else that of the ending, else unknown", () => {
  assert.equal(contentTypeOf(file("a.mp4", "video/mp4")), "video/mp4");
  assert.equal(contentTypeOf(file("a.MKV")), "video/x-matroska");
  assert.equal(contentTypeOf(file("a.ts", "text/vnd.trolltech.linguist")), "video/mp2t");
  assert.equal(contentTypeOf(file("a.mts", "model/vnd.mts")), "video/mp2t");
  assert.equal(contentTypeOf(file("a.webm", "video/webm; codecs=vp9")), "video/webm");
  assert.equal(contentTypeOf(file("a.mxf")), "application/mxf");
  assert.equal(contentTypeOf(file("a.braw")), "application/octet-stream");
  assert.equal(contentTypeOf(file("noending")), "application/octet-stream");
});

test("what is plainly no footage is left out with a reason, and what nobody knows is not", () => {
  assert.match(leftOutBecause(file("a.jpg", "image/jpeg")) ?? "", /a picture/);
  assert.match(leftOutBecause(file("a.txt", "text/plain")) ?? "", /a text/);
  assert.match(leftOutBecause(file("a.zip")) ?? "", /unpack it/);
  assert.match(leftOutBecause(file("a.mp4", "video/mp4", 0)) ?? "", /empty/);
  assert.deepEqual([file("a.braw"), file("noending"), file("a.ts", "text/plain"), file("a.mp3", "audio/mpeg")].map(leftOutBecause),
    [null, null, null, null]);
  assert.deepEqual([file("a.mov"), file("a.braw"), file("a.db")].map(isMedia), [true, false, false]);
});

test("only what differs from the defaults is sent", () => {
  assert.deepEqual(optionsOf({ ...DEFAULT_FIELDS }), { options: {}, faults: {} });
  const { options } = optionsOf({ ...DEFAULT_FIELDS, mode: "speech", target_s: "1:30", longest_clip_s: "20", keywords: "goal,  free  kick, goal", join: "dip" });
  assert.deepEqual(options, { mode: "speech", join: "dip", target_s: 90, longest_clip_s: 20, keywords: ["goal", "free kick"] });
});

test("what cannot be meant is told beside its field", () => {
  const { options, faults } = optionsOf({ ...DEFAULT_FIELDS, target_s: "soon", longest_clip_s: "1", keywords: "x".repeat(61), vocabulary: Array(13).fill(0).map((_, at) => `${at}`.padEnd(59, "y")).join() });
  assert.deepEqual(Object.keys(faults).sort(), ["keywords", "longest_clip_s", "target_s", "vocabulary"]);
  assert.deepEqual(options, {});
});

test("lengths are written as people write them", () => {
  assert.deepEqual(["90", "1:30", "1:02:03", "7.5", "7,5", "20 s"].map(secondsOf), [90, 90, 3723, 7.5, 7.5, 20]);
  assert.deepEqual(["", "1:75", "a", "-3", "1:2:3:4"].map(secondsOf), [null, null, null, null, null]);
});

test("a refusal finds its field, and the options fit in a line", () => {
  assert.equal(fieldIn("target_s must lie between 1 second and 24 hours, not 0."), "target_s");
  assert.equal(fieldIn("longest_clip_s must lie between …"), "longest_clip_s");
  assert.equal(fieldIn("The disk is full."), null);
  assert.equal(inWords({ ...DEFAULT_FIELDS }), "movement and speech · everything good");
  assert.equal(inWords({ ...DEFAULT_FIELDS, mode: "motion", target_s: "90", order: "score" }), "movement · about 1:30 · best first");
  assert.equal(LANGUAGES.length, 99);
});

test("a file is the same by name, size and its first MiB, and what differs is said", async () => {
  const print = await fingerprintOf(new Blob(["film"]));
  const begun = { name: "ride.mp4", sizeBytes: 4, fingerprint: print };
  assert.equal(differenceOf(begun, { ...begun }), null);
  assert.match(differenceOf(begun, { ...begun, name: "rode.mp4" }) ?? "", /This is rode\.mp4/);
  assert.match(differenceOf(begun, { ...begun, sizeBytes: 5 }) ?? "", /has 5 B, and the one .* 4 B/);
  assert.match(differenceOf({ ...begun, sizeBytes: 14_100_001 }, { ...begun, sizeBytes: 14_100_002 }) ?? "", /14,100,002 bytes/);
  const other = await fingerprintOf(new Blob(["Film"]));
  assert.match(differenceOf(begun, { ...begun, fingerprint: other }) ?? "", /begins with other data/);
});

test("an upload is told in a line", () => {
  const facts = { status: /** @type {const} */ ("sending"), sentBytes: 118e6, sizeBytes: 280e6, sentence: "The connection broke", retryAtMs: 14_000, bytesPerS: 5.2e6, timeLeftS: 31 };
  assert.equal(plain(figures(facts)), "42 % · 118 MB of 280 MB · 5.2 MB/s · 31 s left");
  assert.equal(plain(standing({ ...facts, status: "broken" }, 10_000)), "The connection broke; trying again in 4 s");
  assert.equal(standing({ ...facts, status: "broken" }, 14_001), "The connection broke; trying again now");
  assert.equal(shortName("ride.mp4"), "ride.mp4");
  assert.equal(shortName("Saturday morning at the velodrome, camera two.mov"), "Saturday mornin…ra two.mov");
});
