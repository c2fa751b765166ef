import { type ErrorDetail, GatewayError, type GatewayErrorOptions } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import { callLibraries } from '#net/http-call.ts';
import type { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { definePolicy, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import { describePlaces } from '#pipeline/shown-credential.ts';
import { toTokenConsumer } from '#pipeline/token-consumer.ts';
import { TokenMemory } from '#pipeline/token-memory.ts';
import { toTokenPhases } from '#pipeline/token-phases.ts';
import type { JwtConfig } from './config.ts';
import { jwtErrors } from './errors.ts';
import { toIssuer } from './issuers.ts';
import { type Issuer, TokenVerifier, type VerifiedToken, verifyLibrary } from './token-verifier.ts';

/** A token that counts, and whom it stands for in the configuration with this directory. */
interface KnownToken {
  readonly token: VerifiedToken;
  consumer: Consumer;
  directory: ConsumerDirectory;
}

const errors = {
  missing: (answer: GatewayErrorOptions) => jwtErrors.missing(undefined, answer),
  refused: (detail: ErrorDetail, answer: GatewayErrorOptions) => jwtErrors.refused(detail, answer),
};

/** Lets requests pass that show a signed token of an issuer, and notes whom it stands for. */
export const jwtPolicy = definePolicy({
  name: 'jwt',
  summary: 'Lets requests pass that show a signed token (JWT) of an issuer.',
  loadConfig: async () => (await import('./config.ts')).jwtConfig,
  consumerSettings: ['anonymous'],
  fileSettings: ['issuers'],
  libraries: [{ library: verifyLibrary }, ...callLibraries(listIssuerUrls)],
  errors: jwtErrors,
  describe: describeTokens,
  create(config, services): PolicyPhases {
    const { clock, consumers: directory } = services;
    const issuers = config.issuers.map((issuer) => toIssuer(issuer, services));
    const verifier = toVerifier(issuers, config, services);
    const known = services.keeper.keep(toMemoryName(config, services), () => new TokenMemory<KnownToken>());
    // Whoever comes first should not have to wait for what is needed anyway.
    for (const { keys } of issuers) keys?.refreshIfOld(clock.monotonicMs());
    return toTokenPhases(config, { directory, errors }, (refuse) => {
      const verify = async (shown: string): Promise<KnownToken | GatewayError> => {
        const token = await verifier.verify(shown);
        if (token instanceof GatewayError) return token;
        if ('reason' in token) return refuse(token.reason);
        const consumer = toConsumer(token, directory);
        if (consumer === undefined) return refuse('subject');
        const made = { token, consumer, directory };
        known.keep(shown, made);
        return made;
      };
      return {
        findKnown(shown, { startedMs }) {
          const made = known.find(shown);
          if (made === undefined) return undefined;
          const { expiresMs, key, issuer } = made.token;
          issuer.keys?.refreshIfOld(startedMs);
          if (clock.wallMs() < expiresMs && key?.isWithdrawn !== true) return toPresentConsumer(made, directory);
          known.forget(shown);
          return undefined;
        },
        async look(shown) {
          const made = await known.share(shown, () => verify(shown));
          return made instanceof GatewayError ? made : toPresentConsumer(made, directory);
        },
      };
    });
  },
});

function toVerifier(issuers: readonly Issuer[], config: JwtConfig, { clock, later }: PolicyServices): TokenVerifier {
  return new TokenVerifier(issuers, config, {
    clock,
    settles: (promise, timeoutMs) =>
      new Promise((resolve) => {
        const cancel = later(timeoutMs, () => resolve(false));
        void promise.then(() => {
          cancel();
          resolve(true);
        });
      }),
  });
}

function listIssuerUrls({ issuers }: JwtConfig): string[] {
  return issuers.flatMap(({ keys }) => (keys.kind === 'url' ? [keys.url] : keys.kind === 'discovery' ? [keys.issuer] : []));
}

function toConsumer({ claims, issuer }: VerifiedToken, directory: ConsumerDirectory): Consumer | undefined {
  return toTokenConsumer(claims, { issuer: issuer.config.name, names: issuer.config.names, directory });
}

/** Tokens outlive configurations; consumers do not. */
function toPresentConsumer(known: KnownToken, directory: ConsumerDirectory): Consumer {
  if (known.directory === directory) return known.consumer;
  known.consumer = toConsumer(known.token, directory) ?? known.consumer;
  known.directory = directory;
  return known.consumer;
}

/** All that decides whether a token counts. Secrets are in it, and so it is a hash. */
function toMemoryName({ issuers, typ, leewayMs, maxAgeMs, requireExpiry }: JwtConfig, { texts }: PolicyServices): string {
  const parts = issuers.map(({ keys, ...rest }) => {
    if (keys.kind === 'secret') return [rest, keys.secret.reveal()];
    return [rest, keys, keys.kind === 'file' ? texts[keys.file] : undefined];
  });
  const text = JSON.stringify([parts, typ, leewayMs, maxAgeMs, requireExpiry]);
  return `tokens ${process.getBuiltinModule('node:crypto').hash('sha256', text)}`;
}

function describeTokens(config: JwtConfig): string {
  const names = [...new Set(config.issuers.map(({ name }) => name))];
  const other = config.anonymous === undefined ? '' : `, otherwise ${config.anonymous}`;
  return `token of ${names.join(' or ')} in ${describePlaces(config)}${other}${config.forward ? '' : ' (not passed on)'}`;
}
