/** Why an order failed, as the authority or the way to it said. */
const PREFIX = 'urn:ietf:params:acme:error:';

export class AcmeProblem extends Error {
  override readonly name = 'AcmeProblem';
  /** `rateLimited`, `unauthorized`, ... (RFC 8555 §6.7); `undefined` where the authority did not say. */
  readonly type: string | undefined;
  /** How long the authority asks not to be asked again. */
  readonly retryAfterMs: number;

  constructor(
    text: string,
    { type, retryAfterMs = 0, cause }: { type?: string | undefined; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(text, cause === undefined ? undefined : { cause });
    this.type = type;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A problem document (RFC 7807) with its subproblems in one line; `undefined` for anything else. */
export function readProblem(value: unknown): { readonly type: string | undefined; readonly text: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, detail, subproblems } = value as Readonly<Record<string, unknown>>;
  if (typeof type !== 'string' && typeof detail !== 'string') return undefined;
  const name = typeof type === 'string' ? type.replace(PREFIX, '') : undefined;
  const parts = [
    typeof detail === 'string' ? detail : '',
    ...(Array.isArray(subproblems) ? subproblems.map(toSubproblemText) : []),
  ];
  const text = parts.filter((part) => part !== '').join('; ');
  return { type: name, text: name === undefined ? text : `${name}: ${text}` };
}

function toSubproblemText(value: unknown): string {
  const problem = readProblem(value);
  if (problem === undefined) return '';
  const { identifier } = value as { readonly identifier?: { readonly value?: unknown } };
  return typeof identifier?.value === 'string' ? `${identifier.value}: ${problem.text}` : problem.text;
}
