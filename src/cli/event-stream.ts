/** Server-sent events of the admin API, read one by one. */
import type { IncomingMessage } from 'node:http';

/** An event of the gateway is far shorter. */
const EVENT_LENGTH_MAX = 16 * 1024 * 1024;

export interface ReceivedEvent {
  readonly name: string;
  readonly data: string;
}

/** Ends when the connection does. */
export async function* readEvents(response: IncomingMessage): AsyncGenerator<ReceivedEvent, void, void> {
  let text = '';
  for await (const piece of readPieces(response)) {
    text += piece;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const name = /^event: (.*)$/m.exec(event)?.[1];
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (name !== undefined && data !== undefined) yield { name, data };
    }
    if (text.length > EVENT_LENGTH_MAX) return;
  }
}

async function* readPieces(response: IncomingMessage): AsyncGenerator<string, void, void> {
  response.setEncoding('utf8');
  try {
    yield* response as AsyncIterable<string>;
  } catch (error) {
    // A gateway that is gone all at once has ended the connection, too.
    if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
  }
}
