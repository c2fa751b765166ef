/** What the ending of a file's name says about its content. Short on purpose: what is not here is set, or is bytes. */

const UNKNOWN_TYPE = 'application/octet-stream';

/** Types without `text/` are in one encoding of their own, or say in their text which (RFC 8259 §8.1, RFC 7303 §3). */
const types: Readonly<Record<string, string>> = {
  aac: 'audio/aac',
  apng: 'image/apng',
  atom: 'application/atom+xml',
  avif: 'image/avif',
  bin: UNKNOWN_TYPE,
  bmp: 'image/bmp',
  br: UNKNOWN_TYPE,
  css: 'text/css',
  csv: 'text/csv',
  epub: 'application/epub+zip',
  flac: 'audio/flac',
  gif: 'image/gif',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/vnd.microsoft.icon',
  ics: 'text/calendar',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  jsonld: 'application/ld+json',
  jxl: 'image/jxl',
  m4a: 'audio/mp4',
  m4v: 'video/mp4',
  map: 'application/json',
  md: 'text/markdown',
  mjs: 'text/javascript',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  oga: 'audio/ogg',
  ogg: 'audio/ogg',
  ogv: 'video/ogg',
  opus: 'audio/ogg',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  rss: 'application/rss+xml',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  ttf: 'font/ttf',
  txt: 'text/plain',
  wasm: 'application/wasm',
  wav: 'audio/wav',
  weba: 'audio/webm',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xhtml: 'application/xhtml+xml',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
  zst: 'application/zstd',
};

/** The types of one place: the table, what is set beside it, and the charset that its texts are in. */
export class ContentTypes {
  readonly #byEnding: ReadonlyMap<string, string>;

  /** `overrides`: whole values of `content-type` by ending. `charset`: of texts; `undefined` says nothing of it. */
  constructor(overrides: Readonly<Record<string, string>>, charset: string | undefined) {
    const withCharset = (type: string) =>
      charset !== undefined && type.startsWith('text/') ? `${type}; charset=${charset}` : type;
    const known = Object.entries(types).map(([ending, type]): [string, string] => [ending, withCharset(type)]);
    const set = Object.entries(overrides).map(([ending, type]): [string, string] => [
      ending,
      type.includes(';') ? type : withCharset(type),
    ]);
    this.#byEnding = new Map([...known, ...set]);
  }

  typeOf(path: string): string {
    const dot = path.lastIndexOf('.');
    // The ending is that of the name, and a name that begins with its only dot has none.
    if (dot <= path.lastIndexOf('/') + 1) return UNKNOWN_TYPE;
    return this.#byEnding.get(path.slice(dot + 1).toLowerCase()) ?? UNKNOWN_TYPE;
  }
}
