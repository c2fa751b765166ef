import { OriginSet } from '#http/origin-set.ts';
import { findAskedMethod } from '#http/preflight.ts';
import type { Reply } from '#http/response.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { removeFields, setField } from '#wire/fields/field-list.ts';
import { addVary } from '#wire/fields/vary.ts';
import type { CorsConfig } from './config.ts';
import { corsErrors } from './errors.ts';
import { PreflightAnswers } from './preflight-answers.ts';

/** Tells browsers which pages may ask, and answers their preflights (Fetch §3.2). */
export const corsPolicy = definePolicy({
  name: 'cors',
  summary: 'Tells browsers which pages of other origins may ask, and answers their preflights.',
  loadConfig: async () => (await import('./config.ts')).corsConfig,
  errors: corsErrors,
  answersPreflights: true,
  coversMissingRoutes: true,
  describe: describeOrigins,
  explain: (config, { exchange }) => explainOrigin(config, findOrigin(exchange.request.fields)),
  create(config) {
    const { credentials } = config;
    const origins = config.origins === '*' ? undefined : new OriginSet(config.origins);
    const preflights = new PreflightAnswers(config);
    const expose = config.expose === '*' ? '*' : config.expose.join(', ');
    return {
      requestHead({ request }): Reply | ReturnType<typeof corsErrors.originRefused> | undefined {
        if (findAskedMethod(request) === undefined) return undefined;
        const origin = findOrigin(request.fields);
        if (origin === undefined || origins?.has(origin) === false) return corsErrors.originRefused({ reason: 'origin' });
        return preflights.answer(request.fields);
      },
      upstreamResponseHead(_exchange, { fields }) {
        // Two answers to one question are none: browsers refuse both.
        removeFields(fields, isCorsField);
      },
      responseHead({ request }, response) {
        // RFC 9110 §12.5.5: caches must know it, whoever asked.
        if (origins !== undefined) addVary(response.fields, 'origin');
        const origin = findOrigin(request.fields);
        if (origin === undefined || origins?.has(origin) === false) return;
        const { fields } = response;
        setField(fields, 'access-control-allow-origin', origins === undefined ? '*' : origin);
        if (credentials) setField(fields, 'access-control-allow-credentials', 'true');
        if (expose !== '' && findAskedMethod(request) === undefined) setField(fields, 'access-control-expose-headers', expose);
      },
    };
  },
});

const CORS_PREFIX = 'access-control-';

/** Two origins are none: a browser sends one. */
function findOrigin(fields: readonly string[]): string | undefined {
  let origin: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'origin') continue;
    if (origin !== undefined) return undefined;
    origin = fields[i + 1];
  }
  return origin;
}

function isCorsField(name: string): boolean {
  return name.startsWith(CORS_PREFIX);
}

function describeOrigins({ origins, credentials }: CorsConfig): string {
  const who = origins === '*' ? 'pages of every origin' : `pages of ${origins.length === 0 ? 'no origin' : origins.join(', ')}`;
  return `${who}${credentials ? ', with credentials' : ''}`;
}

function explainOrigin({ origins }: CorsConfig, origin: string | undefined): string {
  if (origin === undefined) return 'the request comes from no page of another origin';
  const isAllowed = origins === '*' || new OriginSet(origins).has(origin);
  return isAllowed
    ? `pages of ${origin} may ask`
    : `pages of ${origin} may not read the answer; their preflights are refused with 403`;
}
