import { toPercent } from '#base/percent.ts';
import { type DiffRules, plainRules } from '#http/answer-diff/answer-diff.ts';
import { type PointerPattern, parsePointerPattern } from '#http/answer-diff/pointer-pattern.ts';
import { comparisonLibrary } from '#pipeline/comparison/comparison-library.ts';
import { type MirrorOrder, mirrorSlot } from '#pipeline/mirror-order.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { MirrorConfig } from './config.ts';
import { mirrorErrors } from './errors.ts';

/** Of one comparison; the rest is told as being more. */
const DIFFERENCES_MAX = 20;

/** Has a share of the requests copied to another service, whose answers nobody reads. */
export const mirrorPolicy = definePolicy({
  name: 'mirror',
  summary: 'Sends copies of requests to another service, and throws its answers away, or compares them.',
  loadConfig: async () => (await import('./config.ts')).mirrorConfig,
  serviceSettings: ['to'],
  errors: mirrorErrors,
  libraries: [{ library: comparisonLibrary, isNeeded: ({ compare }: MirrorConfig) => compare !== undefined }],
  describe: ({ to, percent, compare }: MirrorConfig) =>
    `${toPercent(percent)} % to ${to}${compare === undefined ? '' : ', and compares answers'}`,
  create({ to, percent, maxBody, timeout, compare }, { random }) {
    const order: MirrorOrder = { service: to, bodyBytesMax: maxBody, timeoutMs: timeout };
    const compared: MirrorOrder | undefined = compare && {
      ...order,
      compare: { bodyBytesMax: compare.bodyMax, rules: toRules(compare) },
    };
    return {
      requestHead(exchange) {
        if (random() >= percent) return undefined;
        const isCompared = compared !== undefined && random() < compare!.sample;
        exchange.set(mirrorSlot, isCompared ? compared : order);
        return undefined;
      },
    };
  },
});

function toRules({ ignore, unordered }: NonNullable<MirrorConfig['compare']>): DiffRules {
  const { fields, json } = plainRules;
  return {
    ...plainRules,
    differencesMax: DIFFERENCES_MAX,
    fields: { ignored: [...fields.ignored, ...ignore.filter((place) => !place.startsWith('/'))] },
    json: {
      ...json,
      ignored: ignore.filter((place) => place.startsWith('/')).map(toPattern),
      unordered: unordered.map((text) => {
        const equals = text.lastIndexOf('=');
        return equals < 0
          ? { at: toPattern(text), by: undefined }
          : { at: toPattern(text.slice(0, equals)), by: text.slice(equals + 1) };
      }),
    },
  };
}

/** It has been read before, when the settings were. */
function toPattern(text: string): PointerPattern {
  const parsed = parsePointerPattern(text);
  return typeof parsed === 'string' ? [] : parsed;
}
