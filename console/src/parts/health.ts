/** Whether endpoints and services may be used, in a word and a colour. */
import type { Endpoint, Service } from '../api/answers.ts';
import type { Tone } from './status-text.tsx';

export interface EndpointHealth {
  readonly tone: Tone;
  readonly word: string;
}

export interface ServiceHealth extends EndpointHealth {
  /** How many endpoints get exchanges. */
  readonly usable: number;
  readonly text: string;
}

export function endpointHealthOf({ unhealthy, ejected, draining, weight }: Endpoint): EndpointHealth {
  if (unhealthy) return { tone: 'bad', word: 'unhealthy' };
  if (ejected) return { tone: 'bad', word: 'ejected' };
  if (draining) return { tone: 'warn', word: 'draining' };
  if (weight === 0) return { tone: 'quiet', word: 'weight 0' };
  return { tone: 'ok', word: 'in use' };
}

export function healthOf({ endpoints }: Service): ServiceHealth {
  const usable = endpoints.filter((endpoint) => endpointHealthOf(endpoint).tone === 'ok').length;
  const text = `${usable} of ${endpoints.length} endpoints get requests`;
  if (endpoints.length === 0) return { tone: 'warn', word: 'no endpoints', usable, text };
  if (usable === 0) return { tone: 'bad', word: 'none in use', usable, text };
  if (usable < endpoints.length) return { tone: 'warn', word: 'degraded', usable, text };
  return { tone: 'ok', word: 'all in use', usable, text };
}
