import { type ErrorDetail, GatewayError, type GatewayErrorOptions } from '#base/errors.ts';
import { RefusalLog } from '#base/refusal-log.ts';
import type { Claims, Consumer } from '#http/consumer.ts';
import { callLibraries } from '#net/http-call.ts';
import type { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { definePolicy, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import { describePlaces } from '#pipeline/shown-credential.ts';
import { toTokenConsumer } from '#pipeline/token-consumer.ts';
import { TOKEN_LENGTH_MAX, TokenMemory } from '#pipeline/token-memory.ts';
import { toTokenPhases } from '#pipeline/token-phases.ts';
import type { IntrospectionConfig } from './config.ts';
import { introspectionErrors } from './errors.ts';
import { Inquiry } from './inquiry.ts';

/** What the server has said of a token. All times are monotonic. */
interface KnownToken {
  readonly claims: Claims;
  freshUntilMs: number;
  /** While the server cannot be asked. */
  readonly usableUntilMs: number;
  consumer: Consumer;
  directory: ConsumerDirectory;
}

interface RefusedToken {
  readonly reason: string;
  readonly untilMs: number;
}

/** What is kept over reloads. Refused tokens are apart, so that whoever makes up tokens pushes out none that count. */
class Answers {
  readonly good = new TokenMemory<KnownToken>();
  readonly refused = new TokenMemory<RefusedToken>();
}

/** RFC 6750 §2.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const RETRY_AFTER_MS = 1_000;
/** Between two questions about a token while the server cannot be asked. */
const STALE_PAUSE_MS = 5_000;

const errors = {
  missing: (answer: GatewayErrorOptions) => introspectionErrors.missing(undefined, answer),
  refused: (detail: ErrorDetail, answer: GatewayErrorOptions) => introspectionErrors.refused(detail, answer),
};

/** Lets requests pass that show a token which a server says counts, and notes whom it stands for. */
export const introspectionPolicy = definePolicy({
  name: 'introspection',
  summary: 'Lets requests pass that show a token which an authorization server says counts.',
  loadConfig: async () => (await import('./config.ts')).introspectionConfig,
  consumerSettings: ['anonymous'],
  fileSettings: ['ca'],
  errors: introspectionErrors,
  libraries: callLibraries(({ endpoint }: IntrospectionConfig) => [endpoint]),
  describe: describeInquiry,
  create(config, services): PolicyPhases {
    const { clock, consumers: directory, logger, callHttp, keeper, texts } = services;
    const answers = keeper.keep(toMemoryName(config, texts), () => new Answers());
    const inquiry = new Inquiry(config, { callHttp, ca: config.ca && texts[config.ca.file] });
    const failures = new RefusalLog(logger, clock, 'tokens cannot be looked up');
    const toConsumer = (claims: Claims) => toTokenConsumer(claims, { issuer: toIssuer(config), names: config.names, directory });
    const toPresent = (known: KnownToken): Consumer => {
      if (known.directory === directory) return known.consumer;
      known.consumer = toConsumer(known.claims) ?? known.consumer;
      known.directory = directory;
      return known.consumer;
    };
    return toTokenPhases(config, { directory, errors }, (refuse) => {
      const refuseFor = (shown: string, reason: string): GatewayError => {
        answers.refused.keep(shown, { reason, untilMs: clock.monotonicMs() + config.refusedTtlMs });
        answers.good.forget(shown);
        return refuse(reason);
      };
      const ask = async (shown: string): Promise<KnownToken | GatewayError> => {
        const answer = await inquiry.ask(shown, clock.wallMs());
        const nowMs = clock.monotonicMs();
        if ('reason' in answer) return refuseFor(shown, answer.reason);
        if ('failure' in answer) {
          failures.add({ endpoint: config.endpoint, reason: answer.failure });
          const known = answers.good.find(shown);
          if (known !== undefined && nowMs < known.usableUntilMs) {
            // Those who come next need not wait for the same failure.
            known.freshUntilMs = Math.min(known.usableUntilMs, nowMs + STALE_PAUSE_MS);
            return known;
          }
          return introspectionErrors.unavailable({ reason: answer.failure }, { retryAfterMs: RETRY_AFTER_MS });
        }
        const { claims, expiresInMs } = answer;
        const consumer = toConsumer(claims);
        if (consumer === undefined) return refuseFor(shown, 'subject');
        const freshUntilMs = nowMs + Math.min(config.ttlMs, expiresInMs);
        const usableUntilMs = nowMs + Math.min(config.ttlMs + config.staleForMs, expiresInMs);
        const made = { claims, freshUntilMs, usableUntilMs, consumer, directory };
        answers.good.keep(shown, made);
        return made;
      };
      return {
        findKnown(shown) {
          if (shown.length > TOKEN_LENGTH_MAX) return refuse('too long');
          const nowMs = clock.monotonicMs();
          const known = answers.good.find(shown);
          if (known !== undefined && nowMs < known.freshUntilMs) return toPresent(known);
          const refused = answers.refused.find(shown);
          if (refused !== undefined && nowMs < refused.untilMs) return refuse(refused.reason);
          return TOKEN.test(shown) ? undefined : refuse('not a token');
        },
        async look(shown) {
          const made = await answers.good.share(shown, () => ask(shown));
          return made instanceof GatewayError ? made : toPresent(made);
        },
      };
    });
  },
});

/** What names of consumers end with. */
function toIssuer({ issuer, endpoint }: IntrospectionConfig): string {
  return issuer ?? new URL(endpoint).origin;
}

/** All that decides whether a token counts, for how long, and whom it stands for. */
function toMemoryName(config: IntrospectionConfig, texts: PolicyServices['texts']): string {
  const { endpoint, clientId, clientSecret, hint, issuer, audience, claims, names, ca } = config;
  const { ttlMs, staleForMs, refusedTtlMs } = config;
  const asking = [endpoint, clientId, clientSecret.reveal(), hint, ca && texts[ca.file]];
  const text = JSON.stringify([...asking, issuer, audience, claims, names, ttlMs, staleForMs, refusedTtlMs]);
  return `introspection ${process.getBuiltinModule('node:crypto').hash('sha256', text)}`;
}

function describeInquiry(config: IntrospectionConfig): string {
  const other = config.anonymous === undefined ? '' : `, otherwise ${config.anonymous}`;
  return `token in ${describePlaces(config)} that ${config.endpoint} says counts${other}${config.forward ? '' : ' (not passed on)'}`;
}
