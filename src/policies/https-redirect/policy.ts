import { definePolicy } from '#pipeline/policy.ts';
import { httpsRedirectErrors } from './errors.ts';

const USUAL_PORT = 443;

/** Sends clients that came over `http` to the same address over `https`. */
export const httpsRedirectPolicy = definePolicy({
  name: 'https-redirect',
  summary: 'Sends clients that came over `http` to the same address over `https`.',
  loadConfig: async () => (await import('./config.ts')).httpsRedirectConfig,
  errors: httpsRedirectErrors,
  create({ status, port }) {
    const suffix = port === USUAL_PORT ? '' : `:${port}`;
    return {
      requestHead({ request: { scheme, host, target } }) {
        // An HTTP/1.0 client may name no host; then there is nowhere to send it.
        if (scheme === 'https' || host === '') return undefined;
        const fields = ['location', `https://${host}${suffix}${target}`];
        return { status, fields, contentLengthBytes: 0, body: undefined };
      },
    };
  },
});
