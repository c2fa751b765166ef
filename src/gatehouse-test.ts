/** `gatehouse/test`: routes and policies tested as code, in files of `node:test`. Nothing listens and nothing is sent. */
import { systemClock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { TestGateway } from '#testing/test-gateway.ts';

export type { AssumedIdentity } from '#rehearsal/assumed-identity.ts';
export type { Decision, DecisionSnapshot, PolicyDecisionStep, Refusal, ServiceExchange } from '#rehearsal/decision.ts';
export type { SentRequest, Stub, StubAnswer, StubFailure, StubFunction, StubMap, StubReply } from '#rehearsal/stub-answer.ts';
export type { ExpectedAnswer, ExpectedRequest, TextPattern } from '#testing/matcher.ts';
export type { Property, PropertyCheck, PropertyReport } from '#testing/property-check.ts';
export type { RouteExpectation } from '#testing/route-expectation.ts';
export type { EveryRequestOptions, RequestOptions, TestGateway } from '#testing/test-gateway.ts';

export interface OpenOptions {
  /** What `${env:NAME}` sees; the process's environment when not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** When the tests take place; the present when not given. */
  readonly now?: Date | string;
}

/** Opens a configuration for tests: the path of its file, a URL relative to `import.meta.url`, or the configuration itself. */
export function openRoutes(configuration: GatewayInput | string | URL, { env, now }: OpenOptions = {}): Promise<TestGateway> {
  return TestGateway.open(configuration, {
    env: env ?? process.env,
    nowMs: now === undefined ? systemClock.wallMs() : new Date(now).getTime(),
    args: process.argv,
    cwd: process.cwd(),
  });
}
