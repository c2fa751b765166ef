/** What a policy of OPA has decided: `true` or `false`, or a document as its plug-in for Envoy answers. */
import type { ErrorDetail } from '#base/errors.ts';
import type { Decision } from '#pipeline/external-decision/decision.ts';
import { pickFields } from '#pipeline/external-decision/pick-fields.ts';
import type { ServiceAnswer } from '#pipeline/service-call.ts';
import type { OpaConfig } from './config.ts';
import { opaErrors } from './errors.ts';

const REASON_LENGTH_MAX = 200;
/** Statuses with which a request can be refused; any other one in a result counts as 403. */
const REFUSING = new Set([301, 302, 303, 307, 308]);
/** RFC 9110 §5.5. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

type Names = Pick<OpaConfig, 'forward' | 'reply'>;

/** A result that is not there, as where no rule applies, lets nobody pass. */
export function toOpaDecision({ status, body }: ServiceAnswer, names: Names): Decision {
  if (status !== 200) return { kind: 'undecided', detail: { reason: 'status', answered: status } };
  const answer = readJson(body);
  if (!isDocument(answer)) return { kind: 'undecided', detail: { reason: 'no JSON object' } };
  const { result } = answer;
  if (result === undefined) return deny({ reason: 'undefined' });
  if (typeof result === 'boolean') return result ? { kind: 'allowed', fields: [], asker: undefined } : deny({ reason: 'false' });
  if (!isDocument(result)) return { kind: 'undecided', detail: { reason: 'neither true, false nor an object' } };
  return readResult(result, names);
}

function readResult(result: Readonly<Record<string, unknown>>, { forward, reply }: Names): Decision {
  const verdict = result['allow'] ?? result['allowed'];
  const fields = toFields(result['headers']);
  if (verdict === true) return { kind: 'allowed', fields: pickFields(fields, forward), asker: undefined };
  if (verdict !== false && verdict !== undefined)
    return { kind: 'undecided', detail: { reason: '`allow` is neither true nor false' } };
  const { reason } = result;
  const status = toStatus(result['status'] ?? result['http_status']);
  const detail = { reason: typeof reason === 'string' ? reason.slice(0, REASON_LENGTH_MAX) : 'false' };
  return deny(detail, { status, fields: pickFields(fields, reply) });
}

function deny(detail: ErrorDetail, options: { readonly status?: number; readonly fields?: readonly string[] } = {}): Decision {
  return { kind: 'denied', error: opaErrors.denied(detail, options) };
}

function toStatus(status: unknown): number {
  if (typeof status !== 'number' || !Number.isInteger(status)) return 403;
  return REFUSING.has(status) || (status >= 400 && status < 500) ? status : 403;
}

/** What could not be sent as a field is left out. */
function toFields(headers: unknown): string[] {
  if (!isDocument(headers)) return [];
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && FIELD_VALUE.test(value) ? [name.toLowerCase(), value] : [],
  );
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // Why it is no JSON says less than that it is none.
    return undefined;
  }
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
