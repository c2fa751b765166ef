/** A document of OpenAPI 3.0 or 3.1 as its operations, with references followed. What cannot be used is a fault, with its place. */
import { isMap, isText } from '#schema/forms.ts';
import type { Fault, Place, ReadFiles } from './document-files.ts';
import { type Located, References } from './references.ts';
import type { Dialect } from './schema-converter.ts';

/** Methods that a path item has keys for. */
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

type Values = Readonly<Record<string, unknown>>;

export interface ApiOperation {
  readonly path: string;
  /** Upper case. */
  readonly method: string;
  /** `operationId`, or method and path. */
  readonly name: string;
  readonly id: string | undefined;
  readonly value: Values;
  readonly place: Place;
  /** Those of the path, and of the operation in their place. */
  readonly parameters: readonly LocatedMap[];
  /** Paths of servers, without a slash at the end. */
  readonly bases: readonly string[];
}

export interface LocatedMap {
  readonly value: Values;
  readonly place: Place;
}

export interface ApiDocument {
  readonly title: string;
  readonly root: Values;
  readonly file: string;
  readonly dialect: Dialect;
  readonly references: References;
  readonly operations: readonly ApiOperation[];
  readonly faults: readonly Fault[];
}

/** `undefined`: it is no document of OpenAPI, and the faults say why. */
export function readApiDocument(file: string, files: ReadFiles, faults: Fault[]): ApiDocument | undefined {
  const root = files.values.get(file);
  const dialect = toDialect(root, file, faults);
  if (!isMap(root) || dialect === undefined) return undefined;
  const references = new References(files, (fault) => faults.push(fault));
  const { info, paths } = root;
  const title = isMap(info) && isText(info['title']) ? info['title'] : 'untitled';
  const reader = new OperationReader(file, root, references, faults);
  if (paths !== undefined && !isMap(paths)) faults.push({ place: { file, steps: ['paths'] }, message: '`paths` is a map' });
  const operations = isMap(paths) ? Object.entries(paths).flatMap(([path, item]) => reader.readPath(path, item)) : [];
  return { title, root, file, dialect, references, operations, faults };
}

function toDialect(root: unknown, file: string, faults: Fault[]): Dialect | undefined {
  const fail = (message: string, step?: string) =>
    void faults.push({ place: { file, steps: step === undefined ? [] : [step] }, message });
  if (!isMap(root)) return fail('expected a document of OpenAPI, a map that begins with `openapi: 3.1.0`');
  const { openapi, swagger, jsonSchemaDialect } = root;
  if (swagger !== undefined) return fail('this is OpenAPI 2.0, which is not read; convert it to 3.1', 'swagger');
  if (openapi === undefined) return fail('expected a document of OpenAPI; `openapi` is missing');
  if (!isText(openapi) || !/^3\.[012]\.\d+/.test(openapi)) return fail('expected version 3.0 or 3.1, as a text', 'openapi');
  if (isText(jsonSchemaDialect) && !/2020-12|spec\.openapis\.org\/oas\/3\./.test(jsonSchemaDialect))
    return fail('schemas are read as JSON Schema 2020-12, and this is another dialect', 'jsonSchemaDialect');
  return openapi.startsWith('3.0.') ? 'openapi-3.0' : '2020-12';
}

class OperationReader {
  readonly #file: string;
  readonly #references: References;
  readonly #faults: Fault[];
  readonly #bases: readonly string[];

  constructor(file: string, root: Values, references: References, faults: Fault[]) {
    this.#file = file;
    this.#references = references;
    this.#faults = faults;
    this.#bases = this.#toBases(root['servers'], { file, steps: ['servers'] }) ?? [''];
  }

  readPath(path: string, item: unknown): ApiOperation[] {
    // Extensions may stand beside paths.
    if (path.startsWith('x-')) return [];
    const place = { file: this.#file, steps: ['paths', path] };
    if (!path.startsWith('/')) return this.#fail(place, 'a path begins with a slash');
    const located = this.#followMap(item, place);
    if (located === undefined) return [];
    const { value } = located;
    const shared = this.#listParameters(value['parameters'], below(located.place, 'parameters'));
    const bases = this.#toBases(value['servers'], below(located.place, 'servers')) ?? this.#bases;
    return METHODS.filter((method) => value[method] !== undefined).flatMap((method) => {
      const operation = this.#followMap(value[method], below(located.place, method));
      return operation === undefined ? [] : [this.#readOperation({ path, method, operation, shared, bases })];
    });
  }

  #readOperation(read: {
    readonly path: string;
    readonly method: string;
    readonly operation: LocatedMap;
    readonly shared: readonly LocatedMap[];
    readonly bases: readonly string[];
  }): ApiOperation {
    const { path, operation, shared, bases } = read;
    const { value, place } = operation;
    const method = read.method.toUpperCase();
    const own = this.#listParameters(value['parameters'], below(place, 'parameters'));
    const parameters = [...shared.filter((one) => !own.some((other) => isSameParameter(one.value, other.value))), ...own];
    const id = isText(value['operationId']) ? value['operationId'] : undefined;
    return {
      path,
      method,
      name: id ?? `${method} ${path}`,
      id,
      value,
      place,
      parameters,
      bases: this.#toBases(value['servers'], below(place, 'servers')) ?? bases,
    };
  }

  #listParameters(list: unknown, place: Place): LocatedMap[] {
    if (list === undefined) return [];
    if (!Array.isArray(list)) return this.#fail(place, '`parameters` is a list');
    return list.flatMap((item: unknown, i) => this.#followMap(item, below(place, i)) ?? []);
  }

  #followMap(value: unknown, place: Place): LocatedMap | undefined {
    const located = this.#references.follow(value, place);
    if (located === undefined) return undefined;
    if (isLocatedMap(located)) return located;
    this.#fail(located.place, 'expected a map');
    return undefined;
  }

  /** The paths of servers, with the defaults of their variables; `undefined`: none are given. */
  #toBases(servers: unknown, place: Place): readonly string[] | undefined {
    if (servers === undefined || (Array.isArray(servers) && servers.length === 0)) return undefined;
    if (!Array.isArray(servers)) {
      this.#fail(place, '`servers` is a list');
      return undefined;
    }
    return [...new Set(servers.flatMap((server: unknown, i) => this.#toBase(server, below(place, i)) ?? []))];
  }

  #toBase(server: unknown, place: Place): string | undefined {
    if (!isMap(server) || !isText(server['url'])) {
      this.#fail(place, 'a server has a `url`');
      return undefined;
    }
    const variables = isMap(server['variables']) ? server['variables'] : {};
    const url = server['url'].replaceAll(/\{([^{}]*)\}/g, (whole, name: string) => {
      const variable = variables[name];
      return isMap(variable) && isText(variable['default']) ? variable['default'] : whole;
    });
    const path = /^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? /^[^?#]*/.exec(url)![0];
    const trimmed = path.replace(/\/+$/, '');
    return trimmed === '' || trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
  }

  #fail(place: Place, message: string): [] {
    this.#faults.push({ place, message });
    return [];
  }
}

export function below({ file, steps }: Place, ...more: readonly (string | number)[]): Place {
  return { file, steps: [...steps, ...more] };
}

function isLocatedMap(located: Located): located is LocatedMap {
  return isMap(located.value);
}

function isSameParameter(one: Values, other: Values): boolean {
  return one['name'] === other['name'] && one['in'] === other['in'];
}
