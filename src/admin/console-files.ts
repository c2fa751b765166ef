/**
 * The files of the console, as `scripts/build-console.ts` has built them: a page, and what belongs to it. All of them are read
 * once and answered from memory; a path that is not among them leads nowhere, whatever it looks like.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';

/** A folder that is a console begins with this page. */
const INDEX = 'index.html';
/** Everything in it is named after what is in it. */
const ASSETS = 'assets';
/** From the file that runs up to the root of a checkout or a package. */
const FOLDERS_ABOVE_MAX = 4;

const contentTypes: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

const encodings = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const;

/**
 * The pages load nothing from elsewhere, run no script and take no style that stands in a page, send no form, and are in no
 * frame. Text never becomes markup (trusted types), so that names from requests and configurations stay text.
 */
const policy = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const commonHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const notBuilt = `<!doctype html>
<html lang="en"><title>Gatehouse</title>
<h1>The console is not built</h1>
<p>This is a checkout. Build the console with <code>npm run build:console</code>, then load this page again.</p>
<p>The admin API is at <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</html>
`;

interface ConsoleFile {
  readonly type: string;
  /** Of the bytes as they are; each coding has its own. */
  readonly tag: string;
  readonly isHashed: boolean;
  readonly bytes: Buffer;
  readonly encoded: readonly { readonly name: string; readonly bytes: Buffer }[];
}

export class ConsoleFiles {
  readonly #files: ReadonlyMap<string, ConsoleFile>;

  private constructor(files: ReadonlyMap<string, ConsoleFile>) {
    this.#files = files;
  }

  /** Reads what was built. In a checkout it may be missing; then there are none. `from`: a folder in or below the one with the console. */
  static async load(from: string = import.meta.dirname): Promise<ConsoleFiles> {
    const folder = findFolder(from);
    const files = new Map<string, ConsoleFile>();
    if (folder === undefined) return new ConsoleFiles(files);
    files.set('/', await readConsoleFile(join(folder, INDEX), false));
    for (const name of await readdir(join(folder, ASSETS)))
      if (typeOf(name) !== undefined) files.set(`/${ASSETS}/${name}`, await readConsoleFile(join(folder, ASSETS, name), true));
    return new ConsoleFiles(files);
  }

  /** Whether there is a console. */
  get isBuilt(): boolean {
    return this.#files.size > 0;
  }

  answer(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, { allow: 'GET, HEAD' });
    const file = this.#files.get(path === `/${INDEX}` ? '/' : path);
    if (file !== undefined) return sendFile(file, request, response);
    if (this.isBuilt || path !== '/') return send(response, 404, {});
    const bytes = Buffer.from(notBuilt);
    send(
      response,
      503,
      { 'content-type': contentTypes['html']!, 'cache-control': 'no-store' },
      method === 'GET' ? bytes : undefined,
    );
  }
}

function sendFile(file: ConsoleFile, { method, headers }: IncomingMessage, response: ServerResponse): void {
  const accepted = headers['accept-encoding'];
  const encoded = file.encoded.find(({ name }) => accepts(Array.isArray(accepted) ? accepted.join() : accepted, name));
  const etag = `"${file.tag}${encoded === undefined ? '' : `-${encoded.name}`}"`;
  const fields: Record<string, string> = {
    'content-type': file.type,
    // The page is asked for each time, and is small; what it names never changes.
    'cache-control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    etag,
  };
  if (isKept(headers['if-none-match'], etag)) return send(response, 304, fields);
  if (encoded !== undefined) fields['content-encoding'] = encoded.name;
  const { bytes } = encoded ?? file;
  fields['content-length'] = String(bytes.length);
  send(response, 200, fields, method === 'GET' ? bytes : undefined);
}

function send(response: ServerResponse, status: number, fields: Readonly<Record<string, string>>, bytes?: Buffer): void {
  response.writeHead(status, { ...commonHeaders, ...fields });
  response.end(bytes);
}

/** RFC 9110 §12.5.3: named, and not with the weight 0. */
function accepts(field: string | undefined, coding: string): boolean {
  const parts = (field ?? '').toLowerCase().split(',');
  return parts.some((part) => {
    const [name, ...parameters] = part.split(';').map((text) => text.trim());
    return name === coding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/** RFC 9110 §13.1.2, by the weak comparison. */
function isKept(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  return field.trim() === '*' || field.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

async function readConsoleFile(file: string, isHashed: boolean): Promise<ConsoleFile> {
  const bytes = await readFile(file);
  const encoded = [];
  for (const { name, ending } of encodings)
    if (existsSync(file + ending)) encoded.push({ name, bytes: await readFile(file + ending) });
  const tag = createHash('sha256').update(bytes).digest('base64url').slice(0, 27);
  return { type: typeOf(file)!, tag, isHashed, bytes, encoded };
}

function typeOf(name: string): string | undefined {
  return contentTypes[/\.(\w+)$/.exec(name)?.[1] ?? ''];
}

/** `console/dist` of a checkout, `dist/console` of a package. What is not built has no assets. */
function findFolder(from: string): string | undefined {
  let folder = from;
  for (let i = 0; i < FOLDERS_ABOVE_MAX; i++) {
    for (const candidate of [join(folder, 'console', 'dist'), join(folder, 'console')])
      if (existsSync(join(candidate, ASSETS)) && existsSync(join(candidate, INDEX))) return candidate;
    folder = dirname(folder);
  }
  return undefined;
}
