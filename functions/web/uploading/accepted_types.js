// Which files are worth sending, and as what. Pure.

/** @typedef {{name: string, size: number, type: string}} FileFacts */

const UNKNOWN = "application/octet-stream";
const MEDIA_TYPE = /^(?:video|audio)\/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}$/;

/** @type {Record<string, string>} Endings that browsers do not know, or take for something else. */
const TYPE_OF_ENDING = {
  "3gp": "video/3gpp", "3g2": "video/3gpp2", aac: "audio/aac", aif: "audio/aiff", aiff: "audio/aiff", avi: "video/x-msvideo",
  caf: "audio/x-caf", dv: "video/dv", flac: "audio/flac", flv: "video/x-flv", insv: "video/mp4", lrv: "video/mp4",
  m2t: "video/mp2t", m2ts: "video/mp2t", m2v: "video/mpeg", m4a: "audio/mp4", m4v: "video/x-m4v", mkv: "video/x-matroska",
  mka: "audio/x-matroska", mov: "video/quicktime", mod: "video/mpeg", mp3: "audio/mpeg", mp4: "video/mp4",
  mpeg: "video/mpeg", mpg: "video/mpeg", mts: "video/mp2t", mxf: "application/mxf", ogg: "audio/ogg", ogv: "video/ogg",
  opus: "audio/ogg", qt: "video/quicktime", ts: "video/mp2t", vob: "video/mpeg", wav: "audio/wav", webm: "video/webm",
  wma: "audio/x-ms-wma", wmv: "video/x-ms-wmv",
};

/** @type {[RegExp, string][]} What something plainly is that is no footage. */
const NO_FOOTAGE = [
  [/^image\/|\.(?:jpe?g|png|gif|heic|heif|webp|tiff?|bmp|svg|raw|cr2|cr3|nef|arw|dng|psd|thm)$/, "a picture"],
  [/^application\/pdf|msword|officedocument|opendocument|\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|pages|numbers|key|rtf)$/, "a document"],
  [/zip|compressed|x-tar|gzip|\.(?:zip|rar|7z|tar|gz|bz2|xz|zst)$/, "an archive; unpack it first"],
  [/\.(?:srt|vtt|ass|sub)$/, "subtitles"],
  [/^text\/|json|javascript|xml$|\.(?:txt|md|csv|html?|css|js|py|log|ini|xmp|nfo)$/, "a text"],
  [/\.(?:prproj|drp|fcpxml|aep|veg|kdenlive)$/, "a project of an editing program; export it first"],
  [/^font\/|\.(?:exe|msi|dmg|app|apk|iso|dll|so|bin|db|ds_store|lnk|torrent|ttf|otf|woff2?)$/, "no film"],
];

/**
 * Return the type to announce a file as: the browser's, else by its ending, else what means "unknown".
 * @param {FileFacts} file
 */
export function contentTypeOf(file) {
  const type = plainType(file);
  if (MEDIA_TYPE.test(type) || type === "application/mxf") return type;
  return TYPE_OF_ENDING[endingOf(file.name)] ?? UNKNOWN;
}

/**
 * Return why a file is left out, in a sentence, or null for what may be footage.
 * @param {FileFacts} file
 * @returns {string | null}
 */
export function leftOutBecause(file) {
  const kind = isMedia(file) ? null : NO_FOOTAGE.find(([looks]) => looks.test(plainType(file)) || looks.test(file.name.toLowerCase()))?.[1];
  if (kind) return `Left out: this is ${kind}. Montage takes films and sound recordings.`;
  if (file.size === 0) return "Left out: this file is empty. Copy it from the camera or card again.";
  return null;
}

/**
 * Return whether a file says of itself that it is a film or a sound recording.
 * @param {FileFacts} file
 */
export function isMedia(file) {
  return contentTypeOf(file) !== UNKNOWN;
}

/** @param {FileFacts} file */
function plainType(file) {
  return file.type.split(";")[0].trim().toLowerCase();
}

/** @param {string} name */
function endingOf(name) {
  return /\.([^.]+)$/.exec(name.toLowerCase())?.[1] ?? "";
}
