/** What of the traffic is recorded, and how: as the control thread tells it to the threads. */
import { matchesStatus, type StatusPattern } from '#schema/status-pattern.ts';
import type { ExchangeRecorder } from './exchange-recorder.ts';
import type { RedactionRules } from './redactor.ts';

export type ShownClient = 'full' | 'network' | 'hidden';

/** What is left out of it says nothing. */
export interface RecordingMatch {
  readonly methods?: readonly string[] | undefined;
  /** In lower case; `*.` in front of one stands for all names below it. */
  readonly hosts?: readonly string[] | undefined;
  /** A whole path, or the beginning of one with `*` behind it. */
  readonly paths?: readonly string[] | undefined;
  readonly statuses?: readonly StatusPattern[] | undefined;
}

export interface RecordingRules {
  /** By which what is recorded finds its way to whoever wants it. */
  readonly id: number;
  /** From 0 to 1. */
  readonly sample: number;
  /** Names of routes; `undefined`: all of them, and requests without one. */
  readonly routes: readonly string[] | undefined;
  readonly match: RecordingMatch;
  /** 0: bodies are not kept. */
  readonly requestBytesMax: number;
  readonly answerBytesMax: number;
  readonly shownClient: ShownClient;
  readonly redaction: RedactionRules;
}

/** What is known when the request is there. */
export function matchesRequest({ methods, hosts, paths }: RecordingMatch, { method, host, path }: MatchedRequest): boolean {
  if (methods !== undefined && !methods.includes(method)) return false;
  if (hosts !== undefined && !hosts.some((pattern) => isHost(pattern, host))) return false;
  return paths === undefined || paths.some((pattern) => isPath(pattern, path));
}

interface MatchedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** What is known when the exchange is over. */
export function matchesOutcome({ routes, match }: RecordingRules, { exchange }: ExchangeRecorder): boolean {
  const route = exchange.plan?.routeName;
  if (routes !== undefined && (route === undefined || !routes.includes(route))) return false;
  const { statuses } = match;
  return statuses === undefined || statuses.some((pattern) => matchesStatus(pattern, exchange.status));
}

function isHost(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : pattern === host;
}

function isPath(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}
