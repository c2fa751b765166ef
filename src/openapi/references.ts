/** Follows the references of a document, in its own files. */
import { isMap, isText } from '#schema/forms.ts';
import { type Fault, type Place, type ReadFiles, type Steps, toFile } from './document-files.ts';

/** References to references that are followed. */
const HOPS_MAX = 32;

export interface Located {
  readonly value: unknown;
  readonly place: Place;
}

export class References {
  readonly #values: ReadFiles['values'];
  /** By file: where values with an `$id` or `$anchor` stand. */
  readonly #names = new Map<string, ReadonlyMap<string, Steps>>();
  readonly #onFault: (fault: Fault) => void;

  constructor({ values }: Pick<ReadFiles, 'values'>, onFault: (fault: Fault) => void) {
    this.#values = values;
    this.#onFault = onFault;
  }

  /** What a reference names; it may be one itself. `undefined`: nothing, and that has been said. */
  find(reference: string, at: Place): Located | undefined {
    const named = this.#namesOf(at.file).get(reference);
    if (named !== undefined) return this.#at({ file: at.file, steps: named });
    const file = toFile(reference, at.file);
    if (file === undefined) return this.#fail(at, `\`${reference}\` is on another server, and none is asked`);
    if (!this.#values.has(file)) return this.#fail(at, `\`${reference}\` names a file that cannot be read`);
    const fragment = reference.includes('#') ? reference.slice(reference.indexOf('#') + 1) : '';
    const steps = fragment === '' || fragment.startsWith('/') ? toSteps(fragment) : this.#namesOf(file).get(`#${fragment}`);
    const found = steps && this.#at({ file, steps });
    return found ?? this.#fail(at, `\`${reference}\` names nothing`);
  }

  /** The value itself, behind all references. */
  follow(value: unknown, place: Place): Located | undefined {
    let located: Located | undefined = { value, place };
    for (let hop = 0; located !== undefined && isReference(located.value); hop++) {
      if (hop === HOPS_MAX) return this.#fail(place, 'the reference leads in a circle');
      located = this.find(located.value.$ref, { file: located.place.file, steps: [...located.place.steps, '$ref'] });
    }
    return located;
  }

  #at({ file, steps }: Place): Located | undefined {
    let value = this.#values.get(file);
    const exact: (string | number)[] = [];
    for (const step of steps) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
      exact.push(Array.isArray(value) ? Number(step) : step);
      value = (value as Readonly<Record<string, unknown>>)[step];
    }
    return { value, place: { file, steps: exact } };
  }

  #fail(place: Place, message: string): undefined {
    this.#onFault({ place, message });
  }

  #namesOf(file: string): ReadonlyMap<string, Steps> {
    const known = this.#names.get(file);
    if (known !== undefined) return known;
    const names = new Map<string, Steps>();
    collectNames(this.#values.get(file), [], { names, seen: new Set() });
    this.#names.set(file, names);
    return names;
  }
}

export function isReference(value: unknown): value is { readonly $ref: string } {
  return isMap(value) && isText(value['$ref']);
}

interface Collecting {
  readonly names: Map<string, Steps>;
  /** Aliases of YAML may lead in a circle. */
  readonly seen: Set<unknown>;
}

function collectNames(value: unknown, steps: Steps, collecting: Collecting): void {
  const { names, seen } = collecting;
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (isMap(value)) {
    if (isText(value['$id'])) names.set(value['$id'], steps);
    if (isText(value['$anchor'])) names.set(`#${value['$anchor']}`, steps);
  }
  for (const [key, item] of Object.entries(value))
    collectNames(item, [...steps, Array.isArray(value) ? Number(key) : key], collecting);
}

/** RFC 6901 §6, with percent-encoding. */
function toSteps(fragment: string): string[] {
  return fragment
    .split('/')
    .slice(1)
    .map((step) => decodeStep(step).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return step;
  }
}
