/** What a service can take, and when it is left alone. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { forms, isMap } from '#schema/forms.ts';
import { percentage } from '#schema/percentage.ts';
import { hasOnlyBytes, type ServiceEndpoints } from './service-schemes.ts';

const CONCURRENCY_MAX = 1_000_000;
const REQUESTS_MAX = 1_000_000;
const PROBES_MAX = 1_000;
const ADAPTIVE_MAX = 10_000;

export const breakerSchema = z.strictObject({
  failures: percentage()
    .refine((share) => share > 0, 'with `0%` it would open when nothing has failed; write a share above it, such as `1%`')
    .prefault('50%')
    .describe(
      'Opens when this share of the attempts fails: no whole answer by the fault of the service, or one with 5xx or a status of gRPC that says as much.',
    ),
  over: duration({ min: '1s', max: '1h' }).prefault('10s').describe('Attempts are counted in stretches of this length.'),
  minRequests: z
    .int()
    .min(1)
    .max(REQUESTS_MAX)
    .default(20)
    .describe('With fewer attempts in a stretch it does not open, whatever their share of failures.'),
  openFor: duration({ min: '100ms', max: '1h' })
    .prefault('5s')
    .describe('How long nothing is sent once it has opened. Then probes decide.'),
  probes: z
    .int()
    .min(1)
    .max(PROBES_MAX)
    .default(3)
    .describe('Requests that are let through then: it closes when all of them succeed, and opens again when one fails.'),
  per: z
    .enum(['service', 'endpoint'])
    .default('service')
    .describe('Whether the whole service is left alone, or each endpoint by itself.'),
});

const adaptiveMap = z
  .strictObject({
    min: z.int().min(1).max(ADAPTIVE_MAX).default(2).describe('The limit does not fall below this, per thread.'),
    max: z.int().min(1).max(ADAPTIVE_MAX).default(1_000).describe('The limit does not rise above this, per thread.'),
  })
  .superRefine(({ min, max }, context) => {
    if (min <= max) return;
    context.addIssue({ code: 'custom', path: ['min'], message: `\`min\` (${min}) is above \`max\` (${max})` });
  });

const adaptive = forms('`true`, or a map with `min` and `max`', [
  { isMeant: (value) => value === true, schema: z.literal(true).transform(() => adaptiveMap.parse({})) },
  { isMeant: isMap, schema: adaptiveMap },
]);

const count = () => z.int().min(1).max(CONCURRENCY_MAX);

export const concurrencySchema = z
  .strictObject({
    max: count().optional().describe('Most requests to the service at a time, of all threads together.'),
    perEndpoint: count().optional().describe('Most requests to one endpoint at a time, per thread.'),
    adaptive: adaptive
      .optional()
      .describe('Finds out by itself, from how long answers take, how many requests the service can have at a time.'),
    queue: z
      .int()
      .min(0)
      .max(CONCURRENCY_MAX)
      .optional()
      .describe(
        'Most requests that wait for their turn, the most important first; more are refused. Without it, a quarter of how many may run, and as many as may run for `critical` and `high`.',
      ),
    queueTimeout: duration({ min: '100ms', max: '1h' }).prefault('1s').describe('How long a request waits for its turn.'),
  })
  .superRefine(({ max, perEndpoint, adaptive: bounds }, context) => {
    if (max === undefined && perEndpoint === undefined && bounds === undefined) {
      const message = 'nothing is limited; set `max`, `perEndpoint` or `adaptive`, or leave `concurrency` out';
      context.addIssue({ code: 'custom', path: [], message });
    }
    if (max !== undefined && bounds !== undefined && bounds.min > max) {
      const message = `\`adaptive.min\` (${bounds.min}) is above \`max\` (${max}), so the limit could never adapt`;
      context.addIssue({ code: 'custom', path: ['adaptive'], message });
    }
  });

interface Protected extends ServiceEndpoints {
  readonly breaker?: unknown;
  readonly concurrency?: unknown;
}

/** Bytes that nobody reads have no requests that could be counted. */
export function findUselessProtection(service: Protected): { path: string[]; message: string }[] {
  if (!hasOnlyBytes(service)) return [];
  return (['breaker', 'concurrency'] as const).flatMap((name) =>
    service[name] === undefined
      ? []
      : [{ path: [name], message: `no endpoint uses \`http\` or \`https\`, so \`${name}\` would have no effect` }],
  );
}
