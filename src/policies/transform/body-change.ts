/** Makes a body from another one, by what a configuration says. The same for requests and answers. */
import { type MappedAround, Mapping } from '#pipeline/mapping/mapping.ts';
import type { MappingProblem, MappingScope } from '#pipeline/mapping/mapping-run.ts';
import { ComingValue, type MappingValue } from '#pipeline/mapping/mapping-value.ts';
import { passesWhole } from '#schema/mapping-node.ts';
import type { BodyFault } from './body-fault.ts';
import { contentTypes, findFormat, readBody, writeBody } from './body-format.ts';
import type { BodyChange, BodyFormat } from './config.ts';

export interface ChangedBody {
  readonly bytes: Buffer;
  /** Where it has become another one. */
  readonly contentType: string | undefined;
}

/** Why there is no new body. */
export type ChangeFault =
  /** It is not what its type says. */
  | { readonly kind: 'invalid'; readonly text: string }
  /** It is not as the mapping needs it. */
  | { readonly kind: 'unfit'; readonly text: string }
  | { readonly kind: 'too-large' };

/** What references stand for, once the body has been read; it is `undefined` where there is none. */
export type ScopeOf = (body: MappingValue) => MappingScope;

/** XML costs ten times what JSON does, and nothing else is done by a thread meanwhile. */
const XML_BYTES_MAX = 256 * 1024;

const problemTexts = { missing: 'is missing', 'wrong-kind': 'is of another kind than it has to be' } as const;

export class BodyConversion {
  readonly bytesMax: number;
  readonly #from: ReadonlySet<BodyFormat>;
  readonly #to: BodyFormat | undefined;
  readonly #mapping: Mapping | undefined;
  /** The mapping puts the body whole into something larger, and does nothing else with it. */
  readonly #passesWhole: boolean;

  /** `root`: what the body is called in references. */
  constructor({ from, to, map, maxBytes }: BodyChange, root: readonly string[]) {
    this.bytesMax = maxBytes;
    this.#from = new Set(from);
    this.#to = to;
    this.#mapping = map && new Mapping(map);
    this.#passesWhole = map !== undefined && (to ?? 'json') === 'json' && passesWhole(map, root);
  }

  /** The format of a body that is changed; `undefined` for others. */
  findFormat(contentType: string | undefined): BodyFormat | undefined {
    const format = findFormat(contentType);
    return format !== undefined && this.#from.has(format) ? format : undefined;
  }

  /** Its type afterwards; `undefined` where that stays the same. */
  findNewType(format: BodyFormat): string | undefined {
    return this.#to === undefined || this.#to === format ? undefined : contentTypes[this.#to];
  }

  change(bytes: Buffer, format: BodyFormat, scopeOf: ScopeOf): ChangedBody | ChangeFault {
    const to = this.#to ?? format;
    if (to === format && this.#mapping === undefined) return { bytes, contentType: undefined };
    if (format === 'xml' && bytes.length > XML_BYTES_MAX) return { kind: 'too-large' };
    const read = readBody(bytes, format);
    if ('fault' in read) return { kind: 'invalid', text: read.fault };
    const scope = scopeOf(read.root);
    const changed = to === 'json' ? this.#writeJson(read.bytes, scope) : this.#writeOther(read.root, to, scope);
    if ('problem' in changed) return toFault(changed);
    if ('fault' in changed) return { kind: 'unfit', text: changed.fault };
    if (changed.length > this.bytesMax) return { kind: 'too-large' };
    return { bytes: changed, contentType: this.findNewType(format) };
  }

  /** Whether a body of this format can pass while it comes. */
  mayStream(format: BodyFormat): boolean {
    return this.#passesWhole && format === 'json';
  }

  /** What stands around a body that passes. */
  wrap(scopeOf: ScopeOf): MappedAround | ChangeFault {
    const around = this.#mapping!.runAround(scopeOf(coming), this.bytesMax);
    return 'problem' in around ? toFault(around) : around;
  }

  #writeJson(bytes: Buffer, scope: MappingScope): Buffer | MappingProblem {
    if (this.#mapping === undefined) return bytes;
    const mapped = this.#mapping.run(scope, this.bytesMax);
    return 'problem' in mapped ? mapped : Buffer.concat(mapped.pieces, mapped.byteLength);
  }

  #writeOther(root: MappingValue, to: 'form' | 'xml', scope: MappingScope): Buffer | BodyFault | MappingProblem {
    const mapped = this.#mapping === undefined ? { value: root } : this.#mapping.evaluate(scope, this.bytesMax);
    if ('problem' in mapped) return mapped;
    return mapped.value === undefined ? { fault: 'nothing is left of it' } : writeBody(mapped.value, to, this.bytesMax);
  }
}

const coming = new ComingValue();

function toFault({ problem, at }: MappingProblem): ChangeFault {
  if (problem === 'too-large' || problem === 'too-many-items') return { kind: 'too-large' };
  return { kind: 'unfit', text: `${at} ${problemTexts[problem]}` };
}
