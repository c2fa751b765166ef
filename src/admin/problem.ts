import type { GatewayError } from '#base/errors.ts';
import { reasonOf } from '#wire/http1/encode.ts';
import { adminErrors } from './admin-errors.ts';

/** Why a request of an operator is refused, as a problem document. */
export interface ProblemAnswer {
  readonly status: number;
  readonly type: 'application/problem+json';
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function toProblemAnswer({ status, code, kind, publicDetail }: GatewayError): ProblemAnswer {
  const detail = publicDetail === undefined ? kind.help : `${kind.help.slice(0, -1)}: ${publicDetail}`;
  const text = `${JSON.stringify({ type: 'about:blank', title: reasonOf(status), status, detail, code })}\n`;
  const needsToken = status === adminErrors.wrongToken.kind.status;
  const headers: Record<string, string> = needsToken ? { 'www-authenticate': 'Bearer realm="gatehouse"' } : {};
  return { status, type: 'application/problem+json', text, headers };
}
