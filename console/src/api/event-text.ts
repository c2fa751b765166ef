/** Server-sent events out of a stream of text, as the HTML standard defines them. */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** An event that is longer is not one of the gateway's. */
const EVENT_LENGTH_MAX = 4 * 1024 * 1024;

export class EventText {
  #rest = '';
  #name = '';
  #data: string[] = [];

  /** Takes the next piece, and answers the events that are complete with it. */
  add(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > EVENT_LENGTH_MAX) throw new RangeError('an event is too long');
    for (const line of lines) {
      if (line !== '') this.#read(line);
      else if (this.#data.length > 0) events.push(this.#take());
      else this.#name = '';
    }
    return events;
  }

  #read(line: string): void {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    if (field === 'data') this.#data.push(value);
  }

  #take(): ServerEvent {
    const event = { name: this.#name || 'message', data: this.#data.join('\n') };
    this.#name = '';
    this.#data = [];
    return event;
  }
}
