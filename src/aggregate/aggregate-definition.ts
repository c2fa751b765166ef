/** An aggregate as the configuration says it, checked: plain data, so that it travels between threads. */
import type { MappingNode, MappingText } from '#schema/mapping-node.ts';

export interface AggregateDefinition {
  /** In the order of the configuration. A call knows those that it waits for by their index. */
  readonly calls: readonly CallDefinition[];
  readonly answer: AnswerDefinition;
  readonly status: number;
  readonly headers: readonly NamedText[];
  /** From the start of the first call to the end of the last one. */
  readonly timeoutMs: number;
  /** Of the composed body. */
  readonly answerBytesMax: number;
  /** `undefined`: nothing refers to the request's body, and it is not read. */
  readonly requestBytesMax: number | undefined;
  /** The member of the answer that names the calls which are missing in it. */
  readonly partialField: string | undefined;
  readonly hasEtag: boolean;
  /** Of answers of calls that are kept, for one thread. */
  readonly keptBytesMax: number;
}

/** What the answer is made by. */
export type AnswerDefinition =
  | { readonly kind: 'mapping'; readonly node: MappingNode }
  | { readonly kind: 'function'; readonly file: string; readonly name: string };

export interface NamedText {
  readonly name: string;
  readonly value: MappingText;
}

export interface CallDefinition {
  readonly name: string;
  readonly service: string;
  readonly method: string;
  readonly path: MappingText;
  readonly query: readonly NamedText[];
  readonly headers: readonly NamedText[];
  /** Fields of the client's request that go along. */
  readonly forward: readonly string[];
  readonly body: MappingNode | undefined;
  readonly when: CallCondition | undefined;
  /** Indices of the calls that it waits for, in order. */
  readonly after: readonly number[];
  readonly timeoutMs: number;
  readonly cacheMs: number;
  readonly optional: OptionalCall | undefined;
  readonly each: EachDefinition | undefined;
  readonly expect: readonly StatusRange[];
  /** With which of its statuses the aggregate is answered as the service has answered. */
  readonly pass: readonly number[];
  readonly answerBytesMax: number;
  /** Somebody refers to its body, so it must be JSON. */
  readonly isRead: boolean;
}

export type CallCondition =
  | { readonly kind: 'expression'; readonly text: string }
  /** A mapping that gives `true` or `false`. */
  | { readonly kind: 'mapping'; readonly node: MappingNode };

/** What stands in for the answer of a call that fails; nothing, where neither is set. */
export interface OptionalCall {
  /** JSON. */
  readonly value: string | undefined;
  /** How old the last good answer may be that is given instead. 0: none is. */
  readonly lastGoodMs: number;
}

/** The call is made once for each item of a list. */
export interface EachDefinition {
  readonly list: MappingNode;
  readonly itemsMax: number;
  readonly atOnceMax: number;
  /** What becomes of a longer list. */
  readonly beyond: 'fail' | 'cut';
}

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}
