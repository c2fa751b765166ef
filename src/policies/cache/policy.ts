import type { Exchange } from '#http/exchange.ts';
import { ExchangeVariables } from '#pipeline/expression/exchange-variables.ts';
import { expressionLibrary } from '#pipeline/expression/expression-library.ts';
import { needsPatterns, patternLibrary } from '#pipeline/expression/pattern-library.ts';
import { formatLimitKey, LimitKeyReader } from '#pipeline/limit-key.ts';
import { definePolicy, type ExplainedRequest, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import { formatDuration } from '#schema/duration-text.ts';
import { digestLibrary } from './body-digest.ts';
import type { CacheConfig } from './config.ts';
import { cacheErrors } from './errors.ts';
import { Fetch } from './fetch.ts';
import { RouteCache } from './route-cache.ts';

/** Keeps answers of services, and gives them to others who ask for the same (RFC 9111). */
export const cachePolicy = definePolicy({
  name: 'cache',
  summary: 'Keeps answers of services and answers further requests from them, as RFC 9111 says.',
  loadConfig: async () => (await import('./config.ts')).cacheConfig,
  counts: 'answers',
  storeSettings: ['store'],
  expressionSettings: ['bypass'],
  libraries: [
    { library: expressionLibrary, isNeeded: ({ bypass }) => bypass !== undefined },
    { library: digestLibrary, isNeeded: ({ methods }) => methods.some((method) => method !== 'GET') },
    { library: patternLibrary, isNeeded: ({ bypass }) => bypass !== undefined && needsPatterns(bypass) },
  ],
  errors: cacheErrors,
  describe: describeCache,
  explain: explainCache,
  create(config, services): PolicyPhases {
    const { clock, place } = services;
    // A configuration that names a store has one.
    const answers = config.store === 'redis' ? services.storeAnswers! : services.answers;
    const cache = new RouteCache(config, { clock, answers, place, isBypassed: toBypass(config, services) });
    return {
      localAnswer: (exchange) => cache.localAnswer(exchange),
      upstreamRequest({ client }, request) {
        if (client instanceof Fetch) client.shapeRequest(request);
      },
      upstreamResponseHead({ client }, response) {
        if (client instanceof Fetch) client.noteAnswer(response);
      },
      responseHead: (exchange, response) => cache.responseHead(exchange, response),
      answerStage: (exchange) => cache.answerStage(exchange),
    };
  },
});

function toBypass({ bypass }: CacheConfig, { clock }: PolicyServices): ((exchange: Exchange) => boolean) | undefined {
  if (bypass === undefined) return undefined;
  const condition = expressionLibrary.module.compile(bypass);
  return (exchange) => {
    const { isTrue, failure } = condition(new ExchangeVariables(exchange, clock));
    // Where it is not known whether an answer may be kept, it is not.
    return isTrue || failure !== undefined;
  };
}

/** By what an answer to the request would be found again. */
function explainCache({ methods, key, query, perConsumer }: CacheConfig, { exchange }: ExplainedRequest): string {
  const { consumer } = exchange;
  const parts = [
    query === undefined ? 'address' : 'address without parameters that do not count',
    ...(methods.length > 1 ? ['body of the request, unless it is a GET'] : []),
    ...(key === undefined ? [] : [new LimitKeyReader(key).describe(exchange)]),
    ...(perConsumer === true && consumer !== undefined ? [`consumer ${consumer.name}`] : []),
  ];
  const isPersonal = perConsumer === undefined && (consumer !== undefined || exchange.field('authorization') !== undefined);
  const ifAllowed = isPersonal ? ', if it says itself that others may have it' : '';
  return `keeps the answer to this request by ${parts.join(', ')}, and what it names in Vary${ifAllowed}`;
}

function describeCache({ store, ttl, methods, key, perConsumer, bypass }: CacheConfig): string {
  const times = Object.entries(ttl ?? {}).map(([status, ms]) => `${status} ${formatDuration(ms)}`);
  return [
    `keeps answers to ${methods.join(', ')}${store === 'redis' ? ' in Redis' : ''}`,
    ...(times.length === 0 ? [] : [`without a word of theirs for ${times.join(', ')}`]),
    ...(key === undefined ? [] : [`by ${key.map(formatLimitKey).join(', ')}`]),
    ...(perConsumer === true ? ['for each consumer'] : perConsumer === false ? ['the same for all consumers'] : []),
    ...(bypass === undefined ? [] : [`except where \`${bypass}\``]),
  ].join(', ');
}
