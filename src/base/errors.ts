/** One class for everything that can go wrong on the path of a request. An error says whose fault it was and whether to try again. */

export type ErrorSide = 'client' | 'upstream' | 'gateway';
export type ErrorStage = 'accept' | 'read-head' | 'read-body' | 'route' | 'policy' | 'connect' | 'send' | 'receive' | 'reply';
/**
 * `always`: nobody has worked on the request. `if-idempotent`: somebody may have. `if-reused-connection`: the same, and the
 * upstream may have closed an idle connection as we wrote to it, so a fresh one may do better.
 */
export type RetryHint = 'never' | 'always' | 'if-idempotent' | 'if-reused-connection';

export interface ErrorDeclaration {
  readonly side: ErrorSide;
  readonly stage: ErrorStage;
  /** The HTTP status a client sees, when an answer can still be sent. */
  readonly status: number;
  readonly retry: RetryHint;
  /** One sentence for the client and for the reference page. Says nothing about the inside. */
  readonly help: string;
}

export type ErrorDetail = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ErrorKind extends ErrorDeclaration {
  readonly code: string;
}

export interface GatewayErrorOptions {
  readonly publicDetail?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** More fields for the answer to the client, names and values alternating. */
  readonly fields?: readonly string[];
  /** More members for the problem document (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
  /** In the place of the declared one, where a configuration says which. */
  readonly status?: number;
}

const noFields: readonly string[] = [];

export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly kind: ErrorKind;
  /** Facts for logs. Never shown to a client. */
  readonly detail: ErrorDetail | undefined;
  /** What a client may read beyond the declared help. */
  readonly publicDetail: string | undefined;
  /** When it makes sense for the client to try again, in its `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  readonly status: number;
  readonly fields: readonly string[];
  readonly members: Readonly<Record<string, unknown>> | undefined;

  constructor(kind: ErrorKind, detail?: ErrorDetail, options?: GatewayErrorOptions) {
    super(kind.help, options?.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.detail = detail;
    this.publicDetail = options?.publicDetail;
    this.retryAfterMs = options?.retryAfterMs;
    this.status = options?.status ?? kind.status;
    this.fields = options?.fields ?? noFields;
    this.members = options?.members;
  }

  /** The same error with more facts for logs. */
  withDetail(more: ErrorDetail): GatewayError {
    const { kind, detail, publicDetail, cause } = this;
    return createError(kind, { ...detail, ...more }, publicDetail === undefined ? { cause } : { publicDetail, cause });
  }

  get code(): string {
    return this.kind.code;
  }
}

/** Makes an error of one declared kind. */
export type ErrorFactory = ((detail?: ErrorDetail, options?: GatewayErrorOptions) => GatewayError) & {
  readonly kind: ErrorKind;
};

/** `upstream` and `connectionRefused` become `GH_UPSTREAM_CONNECTION_REFUSED`. */
export function toErrorCode(area: string, name: string): string {
  const words = `${area}-${name.replace(/[A-Z]/g, (letter) => `-${letter}`)}`;
  return `GH_${words.replaceAll('-', '_').toUpperCase()}`;
}

/** Declares the errors of one area. Codes follow from the area and the key, so they are unique if areas are. */
export function defineErrors<Names extends string>(
  area: string,
  declarations: Readonly<Record<Names, ErrorDeclaration>>,
): Readonly<Record<Names, ErrorFactory>> {
  const factories: Partial<Record<Names, ErrorFactory>> = {};
  for (const name of Object.keys(declarations) as Names[]) {
    const kind: ErrorKind = Object.freeze({ code: toErrorCode(area, name), ...declarations[name] });
    const make = (detail?: ErrorDetail, options?: GatewayErrorOptions) => createError(kind, detail, options);
    factories[name] = Object.assign(make, { kind });
  }
  return factories as Record<Names, ErrorFactory>;
}

/** Captures a stack only for our own faults: a client that misbehaves must not make us walk the stack for each request. */
function createError(kind: ErrorKind, detail?: ErrorDetail, options?: GatewayErrorOptions): GatewayError {
  if (kind.side === 'gateway') return new GatewayError(kind, detail, options);
  const framesBefore = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new GatewayError(kind, detail, options);
  } finally {
    Error.stackTraceLimit = framesBefore;
  }
}
