/** The policy `jwt` in the pipeline, with an issuer, and time that moves when it is told to. */
import { Keeper } from '#base/keeper.ts';
import { ConsumerDirectory, type ConsumerSettings } from '#pipeline/consumer-directory.ts';
import { jwtPolicy } from '#policies/jwt/policy.ts';
import { FakeClock } from './fake-clock.ts';
import { type IssuerKeyPair, type SignedClaims, TestIssuer } from './jwt-issuer.ts';
import { type BenchAnswer, createPolicyBench, plan } from './policy-bench.ts';
import { createPolicyServices, ManualTimers } from './policy-services.ts';

interface TokenBenchOptions {
  readonly issuer?: TestIssuer;
  readonly consumers?: ConsumerSettings;
}

/** Why a request was refused, as logs say it. */
export const reasonOf = ({ exchange }: BenchAnswer) => exchange.error?.detail?.['reason'];

export async function setUpTokens(
  key: IssuerKeyPair,
  config: object = {},
  { issuer = new TestIssuer([key]), consumers = {} }: TokenBenchOptions = {},
) {
  const clock = new FakeClock();
  const timers = new ManualTimers();
  const events: { message: string; fields: unknown }[] = [];
  const services = createPolicyServices({
    clock,
    keeper: new Keeper(),
    callHttp: issuer.callHttp,
    later: timers.later,
    consumers: new ConsumerDirectory(consumers),
    logger: { log: (_level, message, fields) => void events.push({ message, fields }) },
  });
  const settings = { issuer: issuer.issuer, audience: 'shop', ...config };
  const bench = createPolicyBench({ policies: [await plan(jwtPolicy, settings, services)] });
  const sign = (claims: SignedClaims = {}, options: object = {}) => issuer.sign(claims, { nowMs: clock.wallMs(), ...options });
  const show = (token: string): Promise<BenchAnswer> => bench.send({ fields: ['authorization', `Bearer ${token}`] });
  const advance = (ms: number) => {
    clock.advance(ms);
    bench.clock.advance(ms);
  };
  return { bench, clock, timers, events, services, settings, issuer, sign, show, advance };
}
