/** Whether a request is as its contract says: parameters at once, a body when it is there as a whole. */
import { hasField, hasLookalike } from '#wire/fields/field-list.ts';
import { readMediaType } from '#wire/fields/media-type.ts';
import type { BodyRule, MediaRule, ParameterRule, PlaceRule, RequestRules, SchemaUse } from './contract.ts';
import { toViolations } from './faults-to-violations.ts';
import { findMedia } from './media-ranges.ts';
import { isMultipartForm, isReadable, readBody } from './message-body.ts';
import {
  type ParameterReading,
  readCookieParameter,
  readHeaderParameter,
  readPathParameter,
  readQueryParameter,
  readWholePlace,
} from './parameter-value.ts';
import { type QueryPart, readQueryParts } from './query-parts.ts';
import type { SchemaSet } from './schema-set.ts';
import { createViolation, toPointer, type Violation } from './violation.ts';

/** As much of a request as is looked at. */
export interface CheckedRequest {
  readonly query: string;
  /** Host and port as the client named them. */
  readonly authority: string;
  /** -1: not given. */
  readonly contentLengthBytes: number;
  readonly fields: readonly string[];
}

/** What the path's parameters are, still percent-encoded. */
export interface PathTexts {
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

export interface CheckSettings {
  /** Parameters of the query that nobody declares are refused. */
  readonly closesQuery: boolean;
  readonly depthMax: number;
  /** Forms that may hold files are looked into. */
  readonly readsMultipart: boolean;
}

interface CheckedValue {
  readonly use: SchemaUse;
  readonly value: unknown;
  readonly sizeBytes: number;
  readonly place: Violation['in'];
  readonly at: string;
}

/** What requests of one operation are asked for. */
export class RequestCheck {
  readonly #rules: RequestRules;
  readonly #schemas: SchemaSet;
  readonly #settings: CheckSettings;
  readonly #uses: readonly SchemaUse[];
  readonly #readsQuery: boolean;
  #isReady = false;

  constructor(rules: RequestRules, schemas: SchemaSet, settings: CheckSettings) {
    this.#rules = rules;
    this.#schemas = schemas;
    this.#settings = settings;
    const { parameters, places, body } = rules;
    this.#readsQuery = [...parameters, ...places].some((rule) => rule.in === 'query');
    this.#uses = [...parameters, ...places, ...(body?.media ?? [])].flatMap(({ use }) => use ?? []);
  }

  get rules(): RequestRules {
    return this.#rules;
  }

  get body(): BodyRule | undefined {
    return this.#rules.body;
  }

  /** Its schemas are compiled. */
  get isReady(): boolean {
    this.#isReady ||= this.#uses.every((use) => this.#schemas.isReady(use));
    return this.#isReady;
  }

  async prepare(): Promise<void> {
    for (const use of this.#uses) if (!this.#schemas.isReady(use)) await this.#schemas.prepare(use);
  }

  /** The same for whoever has turns of his own to do it in. */
  *prepareInSteps(): Generator<undefined, void, void> {
    for (const use of this.#uses) if (!this.#schemas.isReady(use)) yield* this.#schemas.prepareInSteps(use);
  }

  /** `undefined`: nothing is wrong with them. Waits only to say what is. */
  checkParameters(request: CheckedRequest, path: PathTexts): Violation[] | Promise<Violation[]> | undefined {
    const parts = new RequestParts(request);
    const found: Violation[] = [];
    let faulty: CheckedValue[] | undefined;
    const { parameters, places } = this.#rules;
    for (let i = 0; i < parameters.length + places.length; i++) {
      const rule = parameters[i] ?? places[i - parameters.length]!;
      const at = 'name' in rule ? toPointer(rule.name) : '';
      const reading = 'name' in rule ? readParameter(rule, parts, path) : readPlace(rule, parts, path);
      if (rule.in === 'header' && 'name' in rule && hasLookalike(request.fields, rule.name.toLowerCase()))
        found.push(createViolation('header', at, 'duplicate', 'is also there with underscores in the place of hyphens'));
      if (reading === undefined) continue;
      if ('fault' in reading) {
        found.push(createViolation(rule.in, at, reading.fault.keyword, reading.fault.message));
        continue;
      }
      if (rule.use === undefined) continue;
      const checked = { use: rule.use, value: reading.value, sizeBytes: request.query.length, place: rule.in, at };
      if (this.#schemas.isValid(checked.use, checked.value, checked.sizeBytes) === true) continue;
      faulty ??= [];
      faulty.push(checked);
    }
    if (this.#settings.closesQuery) found.push(...findUndeclared(parts.query));
    else if (this.#readsQuery && parts.query.some(({ key }) => key === undefined)) found.push(unreadableName);
    if (faulty !== undefined) return this.#explainAll(faulty, found);
    return found.length === 0 ? undefined : found;
  }

  /** What takes a body of this type; `undefined`: nothing does. */
  findMedia(contentType: string | undefined): MediaRule | undefined {
    const type = contentType === undefined ? undefined : readMediaType(contentType);
    return type === undefined || this.body === undefined ? undefined : findMedia(this.body.media, type);
  }

  /** Whether a body has to be there as a whole. */
  readsBody(media: MediaRule, contentType: string): boolean {
    if (media.use === undefined || !isReadable(contentType)) return false;
    return this.#settings.readsMultipart || !isMultipartForm(contentType);
  }

  checkBody(media: MediaRule, contentType: string, bytes: Buffer): Violation[] | Promise<Violation[]> | undefined {
    const { use } = media;
    if (use === undefined) return undefined;
    const reading = readBody(media, contentType, bytes, this.#settings.depthMax);
    if ('violation' in reading) return [reading.violation];
    const { value } = reading;
    if (this.#schemas.isValid(use, value, bytes.length) === true) return undefined;
    return this.#explain({ use, value, sizeBytes: bytes.length, place: 'body', at: '' });
  }

  async #explainAll(faulty: readonly CheckedValue[], found: readonly Violation[]): Promise<Violation[]> {
    const all = [...found];
    for (const checked of faulty) all.push(...(await this.#explain(checked)));
    return all;
  }

  async #explain({ use, value, sizeBytes, place, at }: CheckedValue): Promise<Violation[]> {
    return toViolations(await this.#schemas.listFaults(use, value, sizeBytes), place, at);
  }
}

/** A service that is less strict may take it for a parameter that was not looked at. */
const unreadableName = createViolation('query', '', 'encoding', 'has a name that is not percent-encoded UTF-8');

/** Queries and cookies are taken apart when a parameter needs them. */
class RequestParts {
  readonly #request: CheckedRequest;
  #query: QueryPart[] | undefined = undefined;
  #cookies: QueryPart[] | undefined = undefined;

  constructor(request: CheckedRequest) {
    this.#request = request;
  }

  get query(): readonly QueryPart[] {
    this.#query ??= readQueryParts(this.#request.query);
    return this.#query;
  }

  get cookies(): readonly QueryPart[] {
    this.#cookies ??= readCookieParts(this.field('cookie'));
    return this.#cookies;
  }

  /** By name, lines of the same name joined. */
  get fieldParts(): QueryPart[] {
    const { fields } = this.#request;
    const names = new Set(['host', 'content-length', ...fields.filter((_, i) => i % 2 === 0)]);
    return [...names].flatMap((key) => {
      const text = this.field(key);
      return text === undefined ? [] : [{ key, text, isTaken: false }];
    });
  }

  field(name: string): string | undefined {
    const { authority, contentLengthBytes, fields } = this.#request;
    // These two are no fields of a request any more.
    if (name === 'host') return authority;
    if (name === 'content-length') return contentLengthBytes < 0 ? undefined : String(contentLengthBytes);
    return joinFieldLines(fields, name);
  }
}

/** All lines of a field as one (RFC 9110 §5.3; for cookies RFC 6265 §5.4). */
export function joinFieldLines(fields: readonly string[], name: string): string | undefined {
  if (!hasField(fields, name)) return undefined;
  const lines = fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name);
  return lines.join(name === 'cookie' ? '; ' : ', ');
}

function readCookieParts(text: string | undefined): QueryPart[] {
  if (text === undefined) return [];
  return text.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    return equals < 0 ? [] : [{ key: pair.slice(0, equals).trim(), text: pair.slice(equals + 1).trim(), isTaken: false }];
  });
}

function readParameter(rule: ParameterRule, parts: RequestParts, { names, texts }: PathTexts): ParameterReading {
  switch (rule.in) {
    case 'path': {
      const at = names.indexOf(rule.name);
      return at < 0 ? undefined : readPathParameter(rule, texts[at]!);
    }
    case 'query':
      return readQueryParameter(rule, parts.query);
    case 'header':
      return readHeaderParameter(rule, parts.field(rule.name.toLowerCase()));
    case 'cookie':
      return readCookieParameter(rule, parts.cookies);
    default:
      return rule.in satisfies never;
  }
}

function readPlace({ in: place, shape }: PlaceRule, parts: RequestParts, path: PathTexts): ParameterReading {
  switch (place) {
    case 'path':
      return readWholePlace(
        place,
        shape,
        path.names.map((key, i) => ({ key, text: path.texts[i]!, isTaken: false })),
      );
    case 'query':
      return readWholePlace(place, shape, parts.query);
    case 'header':
      return readWholePlace(place, shape, parts.fieldParts);
    case 'cookie':
      return readWholePlace(place, shape, parts.cookies);
    default:
      return place satisfies never;
  }
}

function findUndeclared(parts: readonly QueryPart[]): Violation[] {
  return parts
    .filter(({ isTaken }) => !isTaken)
    .map(({ key }) => createViolation('query', key === undefined ? '' : toPointer(key), 'undeclared', 'is not declared'));
}
