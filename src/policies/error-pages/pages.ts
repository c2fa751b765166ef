/** The pages of a configuration, and what they say of one error. */
import type { Exchange } from '#http/exchange.ts';
import { Mapping } from '#pipeline/mapping/mapping.ts';
import { toDetail } from '#pipeline/rescue.ts';
import { type PageVariable, readPageText } from '#schema/page-text.ts';
import { matchesStatus, type StatusPattern } from '#schema/status-pattern.ts';
import { findMediaWeight, readQualityList } from '#wire/fields/quality-list.ts';
import { reasonOf } from '#wire/http1/encode.ts';
import type { ErrorPage, ErrorPagesConfig } from './config.ts';

export interface RenderedPage {
  readonly contentType: string;
  readonly body: Buffer;
}

/** What pages are told. */
interface ErrorFacts {
  readonly status: number;
  readonly title: string;
  /** Empty for what is no error of the gateway. */
  readonly detail: string;
  readonly code: string;
}

/** Of a page with its values, far more than any has. */
const PAGE_BYTES_MAX = 1024 * 1024;
const HTML_TYPE = 'text/html; charset=utf-8';
const NOT_IN_HTML = /[&<>"']/g;
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

interface CompiledPage {
  readonly html: readonly (string | readonly [PageVariable])[] | undefined;
  readonly json: Mapping | undefined;
}

export class Pages {
  readonly #byStatus: readonly { readonly of: StatusPattern; readonly page: CompiledPage }[];
  readonly #general: CompiledPage;
  readonly #intercept: readonly StatusPattern[];
  readonly #jsonType: string;

  constructor(config: ErrorPagesConfig, texts: Readonly<Record<string, string>>) {
    this.#byStatus = (config.statuses ?? []).map(({ of, page }) => ({ of, page: compilePage(page, texts) }));
    this.#general = compilePage(config, texts);
    this.#intercept = config.intercept ?? [];
    this.#jsonType = config.jsonType;
  }

  intercepts(status: number): boolean {
    return this.#intercept.some((pattern) => matchesStatus(pattern, status));
  }

  /** Whether what a client gets depends on its `Accept`. */
  hasHtml(status: number): boolean {
    return this.#find(status, 'html') !== undefined;
  }

  /** `undefined`: the problem document of the gateway is the page. */
  render(exchange: Exchange, status: number): RenderedPage | undefined {
    const facts = toFacts(exchange, status);
    const html = this.#find(status, 'html');
    if (html !== undefined && prefersHtml(exchange.request.fields))
      return { contentType: HTML_TYPE, body: Buffer.from(renderHtml(html, exchange, facts)) };
    const json = this.#find(status, 'json');
    const body = json && renderJson(json, exchange, facts);
    if (body !== undefined) return { contentType: this.#jsonType, body };
    return exchange.error === undefined ? toProblemPage(facts, exchange.requestId) : undefined;
  }

  /** One status goes before its class, and that before all. */
  #find<Kind extends keyof CompiledPage>(status: number, kind: Kind): CompiledPage[Kind] {
    for (const { of, page } of this.#byStatus) if (matchesStatus(of, status) && page[kind] !== undefined) return page[kind];
    return this.#general[kind];
  }
}

function compilePage({ html, json }: ErrorPage, texts: Readonly<Record<string, string>>): CompiledPage {
  const text = html && ('text' in html ? html.text : (texts[html.file] ?? ''));
  return { html: text === undefined ? undefined : readPageText(text).parts, json: json && new Mapping(json) };
}

function toFacts({ error }: Exchange, status: number): ErrorFacts {
  return { status, title: reasonOf(status), detail: error === undefined ? '' : toDetail(error), code: error?.code ?? '' };
}

/** Whoever weighs both alike, or says nothing, is a program: browsers name HTML. */
function prefersHtml(fields: readonly string[]): boolean {
  const accepted = readQualityList(fields, 'accept');
  if (accepted === undefined) return false;
  const json = Math.max(findMediaWeight(accepted, 'application/problem+json'), findMediaWeight(accepted, 'application/json'));
  return findMediaWeight(accepted, 'text/html') > json;
}

function renderHtml(parts: NonNullable<CompiledPage['html']>, exchange: Exchange, facts: ErrorFacts): string {
  let page = '';
  for (const part of parts) page += typeof part === 'string' ? part : escapeHtml(readVariable(part[0], exchange, facts));
  return page;
}

function readVariable(variable: PageVariable, { request, requestId }: Exchange, facts: ErrorFacts): string {
  switch (variable) {
    case 'error.status':
      return String(facts.status);
    case 'error.title':
      return facts.title;
    case 'error.detail':
      return facts.detail;
    case 'error.code':
      return facts.code;
    case 'requestId':
      return requestId;
    case 'host':
      return request.host;
    case 'method':
      return request.method;
    case 'path':
      return request.path;
    default:
      return variable satisfies never;
  }
}

function escapeHtml(text: string): string {
  return text.replace(NOT_IN_HTML, (character) => escapes[character]!);
}

/** `undefined` where the mapping does not get along with this error: the problem document always does. */
function renderJson(json: Mapping, exchange: Exchange, facts: ErrorFacts): Buffer | undefined {
  const readText = ([, name]: readonly string[]) => facts[name as keyof ErrorFacts];
  const mapped = json.run({ exchange, readJson: () => undefined, readText }, PAGE_BYTES_MAX);
  return 'problem' in mapped ? undefined : Buffer.concat(mapped.pieces, mapped.byteLength);
}

/** RFC 9457, as the gateway writes it of its own errors. */
function toProblemPage({ status, title }: ErrorFacts, requestId: string): RenderedPage {
  const problem = { type: 'about:blank', title, status, requestId };
  return { contentType: 'application/problem+json', body: Buffer.from(`${JSON.stringify(problem)}\n`) };
}
