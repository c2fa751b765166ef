import type { AskedRecording } from '#config/recording-schema.ts';
import type { AskedRules } from './recording-messages.ts';

/** What threads are told of settings. */
export function toAskedRules({ sample, routes, match, bodies, redact, client }: AskedRecording): AskedRules {
  return {
    sample,
    routes,
    match,
    requestBytesMax: bodies === false ? 0 : bodies.request,
    answerBytesMax: bodies === false ? 0 : bodies.response,
    shownClient: client,
    redaction: {
      fields: redact.headers,
      parameters: redact.query,
      places: redact.json,
      hidesClient: client !== 'full',
    },
  };
}
