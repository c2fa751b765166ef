import { readServingStatus } from '#wire/grpc/health-check.ts';
import type { HttpProbeSettings } from './health-settings.ts';

/** What a check asks for. */
export interface ProbeRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** What came back, whole unless it was too long. */
export interface ProbeAnswer {
  readonly status: number;
  /** As latin1. */
  readonly text: string;
  readonly grpcStatus: string | undefined;
}

/** Why an answer is none of a healthy endpoint; `undefined` when it is. */
export function findHttpFailure({ status, text }: ProbeAnswer, settings: HttpProbeSettings): string | undefined {
  if (!settings.statuses.some(({ from, to }) => status >= from && status <= to)) return `status ${status}`;
  if (settings.text === undefined || text.includes(Buffer.from(settings.text).latin1Slice())) return undefined;
  return 'the body does not have the text';
}

export function findGrpcFailure({ status, text, grpcStatus }: ProbeAnswer): string | undefined {
  if (status !== 200) return `status ${status}`;
  if (grpcStatus !== '0') return grpcStatus === undefined ? 'no grpc-status' : `grpc-status ${grpcStatus}`;
  const serving = readServingStatus(Buffer.from(text, 'latin1'));
  return serving === 'SERVING' ? undefined : (serving ?? 'no answer of the health protocol');
}
