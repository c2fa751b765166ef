import { toPercent } from '#base/percent.ts';
import { type MirrorOrder, mirrorSlot } from '#pipeline/mirror-order.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { mirrorErrors } from './errors.ts';

/** Has a share of the requests copied to another service, whose answers nobody reads. */
export const mirrorPolicy = definePolicy({
  name: 'mirror',
  summary: 'Sends copies of requests to another service, and throws its answers away.',
  loadConfig: async () => (await import('./config.ts')).mirrorConfig,
  serviceSettings: ['to'],
  errors: mirrorErrors,
  describe: ({ to, percent }) => `${toPercent(percent)} % to ${to}`,
  create({ to, percent, maxBody, timeout }, { random }) {
    const order: MirrorOrder = { service: to, bodyBytesMax: maxBody, timeoutMs: timeout };
    return {
      requestHead(exchange) {
        if (random() < percent) exchange.set(mirrorSlot, order);
        return undefined;
      },
    };
  },
});
