/** Reads messages of syslog as RFC 5424 §6 has them, and refuses whatever else. */
import assert from 'node:assert/strict';

export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly processId: string;
  readonly messageId: string;
  /** By the ID of the element. */
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly text: string;
}

const HEADER =
  /^<(0|[1-9]\d{0,2})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) /;
const ELEMENT = /^\[([^\x00-\x20=\]"\x7f-\uffff]{1,32})((?: [^\x00-\x20=\]"\x7f-\uffff]{1,32}="(?:\\["\\\]]|[^"\\\]])*")*)\]/;
const PARAMETER = / ([^=]+)="((?:\\["\\\]]|[^"\\\]])*)"/g;

/** `message`: each character is a byte. */
export function parseSyslog(message: string): SyslogMessage {
  const header = HEADER.exec(message);
  assert.ok(header !== null, `no header of RFC 5424: ${message.slice(0, 200)}`);
  const [whole, priority, time, host, app, processId, messageId] = header as unknown as [string, ...string[]];
  assert.ok(Number(priority) <= 191, `no priority: ${priority}`);
  assert.ok(time === '-' || !Number.isNaN(Date.parse(time!)), `no time: ${time}`);
  const { data, rest } = parseData(message.slice(whole.length));
  assert.ok(rest === '' || rest.startsWith(' '), `no text: ${rest.slice(0, 200)}`);
  const text = rest.slice(1);
  // What is no UTF-8 by its first bytes may be anything; we promise more than that.
  assert.match(text, /^[\x20-\x7e]*$/);
  return {
    ...{ facility: Number(priority) >> 3, severity: Number(priority) & 7, time: time!, host: host!, app: app! },
    ...{ processId: processId!, messageId: messageId!, data, text },
  };
}

function parseData(text: string): Pick<SyslogMessage, 'data'> & { readonly rest: string } {
  if (text.startsWith('-')) return { data: {}, rest: text.slice(1) };
  const data: Record<string, Record<string, string>> = {};
  let rest = text;
  for (let element = ELEMENT.exec(rest); element !== null; element = ELEMENT.exec(rest)) {
    const [whole, id, parameters] = element;
    assert.ok(!Object.hasOwn(data, id!), `the element ${id} comes twice`);
    data[id!] = Object.fromEntries([...parameters!.matchAll(PARAMETER)].map(([, name, value]) => [name, withoutEscapes(value!)]));
    rest = rest.slice(whole.length);
  }
  assert.notEqual(rest, text, `no structured data: ${text.slice(0, 200)}`);
  return { data, rest };
}

function withoutEscapes(value: string): string {
  return value.replace(/\\(["\\\]])/g, '$1');
}
