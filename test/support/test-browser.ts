/**
 * As much of a browser as a login needs: cookies, redirects, forms, and the fields by which browsers tell what a request is for.
 * Every name below `localhost` is this machine, and counts as a secure origin.
 */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Clock } from '#base/clock.ts';

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
  readonly endsMs: number;
}

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface Visit {
  readonly method?: 'GET' | 'POST' | 'HEAD';
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** By a script, not by a person. */
  readonly isScript?: boolean;
  /** `sec-fetch-site`: where the request comes from. */
  readonly from?: 'none' | 'same-origin' | 'same-site' | 'cross-site';
}

const REDIRECTS_MAX = 12;
/** RFC 6265bis §5.7: name and value of one cookie. */
const COOKIE_BYTES_MAX = 4_096;
const SESSION_COOKIE_MS = 1e12;

export class TestBrowser {
  readonly #clock: Clock;
  #cookies: Cookie[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One request, without following where it leads. */
  async visit(url: string, visit: Visit = {}): Promise<Page> {
    const page = await this.#send(new URL(url), visit);
    for (const line of page.headers['set-cookie'] ?? []) this.#keep(new URL(url), line);
    return page;
  }

  /** A request, and where it leads. `until` may stop on the way. */
  async follow(url: string, visit: Visit = {}, until: (next: string) => boolean = () => false): Promise<Page> {
    let page = await this.visit(url, visit);
    for (let i = 0; page.headers.location !== undefined; i++) {
      assert.ok(i < REDIRECTS_MAX, `too many redirects, at last to ${page.headers.location}`);
      const next = new URL(page.headers.location, page.url).href;
      if (until(next)) break;
      const site = new URL(next).host === new URL(page.url).host ? (visit.from ?? 'none') : 'cross-site';
      page = await this.visit(next, { from: site });
    }
    return page;
  }

  /** Submits the form of a page with these values besides its hidden ones, and follows where it leads. */
  submit(page: Page, values: Readonly<Record<string, string>>, until?: (next: string) => boolean): Promise<Page> {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.text)?.[1];
    assert.ok(action !== undefined, `${page.url} has no form: ${page.status} ${page.text}`);
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    const form = { ...Object.fromEntries(hidden), ...values };
    return this.follow(new URL(action, page.url).href, { method: 'POST', form, from: 'same-origin' }, until);
  }

  /** Name and value of what is sent to a URL. */
  cookiesFor(url: string): Record<string, string> {
    return Object.fromEntries(this.#select(new URL(url)).map(({ name, value }) => [name, value]));
  }

  /** Writes a cookie as somebody with access to the machine could. An empty value takes it away. */
  forge(url: string, name: string, value: string): void {
    const { hostname } = new URL(url);
    this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name);
    if (value !== '') this.#cookies.push({ name, value, host: hostname, path: '/', endsMs: Number.POSITIVE_INFINITY });
  }

  /** Another browser with the same cookies. */
  clone(): TestBrowser {
    const other = new TestBrowser(this.#clock);
    other.#cookies = [...this.#cookies];
    return other;
  }

  #send(url: URL, { method = 'GET', form, headers = {}, isScript = false, from = 'none' }: Visit): Promise<Page> {
    const cookie = this.#select(url)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const fields = {
      host: url.host,
      accept: isScript ? '*/*' : 'text/html,application/xhtml+xml',
      'sec-fetch-mode': isScript ? 'cors' : 'navigate',
      'sec-fetch-site': from,
      connection: 'close',
      ...(method === 'POST' && { origin: from === 'cross-site' ? 'https://evil.example' : url.origin }),
      ...(cookie !== '' && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const target = { host: '127.0.0.1', port: url.port, method, path: `${url.pathname}${url.search}`, headers: fields };
      const sent = request(target, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers: received } = response;
          resolve({ url: url.href, status, headers: received, text, json: () => JSON.parse(text) as Record<string, unknown> });
        });
      });
      sent.on('error', (cause) => reject(new Error(`no answer from ${url.href}`, { cause })));
      sent.end(body);
    });
  }

  #select(url: URL): Cookie[] {
    const nowMs = this.#clock.wallMs();
    return this.#cookies.filter(
      ({ host, path, endsMs }) => host === url.hostname && url.pathname.startsWith(path) && nowMs < endsMs,
    );
  }

  #keep(url: URL, line: string): void {
    const [pair = '', ...rest] = line.split('; ');
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals);
    const value = pair.slice(equals + 1);
    const attributes = new Map(rest.map((text) => [text.split('=')[0]!.toLowerCase(), text.split('=')[1] ?? '']));
    const path = attributes.get('path') ?? '/';
    if (name.startsWith('__Host-'))
      assert.ok(attributes.has('secure') && path === '/' && !attributes.has('domain'), `a browser refuses the cookie ${line}`);
    if (name.length + value.length > COOKIE_BYTES_MAX) return;
    this.#cookies = this.#cookies.filter(
      (cookie) => cookie.name !== name || cookie.host !== url.hostname || cookie.path !== path,
    );
    const expires = attributes.get('expires');
    const maxAge = attributes.get('max-age');
    // A date is that of the server's clock, which need not be ours: whether it lies in the past is all that is looked at.
    const isDeleted = maxAge === '0' || (expires !== undefined && Date.parse(expires) < 1e12);
    if (isDeleted) return;
    const forMs = maxAge === undefined ? SESSION_COOKIE_MS : Number(maxAge) * 1_000;
    this.#cookies.push({ name, value, host: url.hostname, path, endsMs: this.#clock.wallMs() + forMs });
  }
}
