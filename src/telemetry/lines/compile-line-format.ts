/** How a line is put together. Made of the settings once; a line is then a row of texts. */
import type { FieldChoice, LineSettings } from '#config/access-log/line-settings.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';
import { defaultLogFields, type LogField, type LogText } from '#schema/log-field-names.ts';
import { DefaultLines } from './default-lines.ts';
import type { LineFormat } from './line-format.ts';
import { escapeLineText, toAsciiJson } from './line-text.ts';
import { findExchangeReader, findTcpReader, type LineMeans, type ValueReader } from './line-values.ts';
import type { Redactor } from './redactor.ts';

type Write<Subject> = (subject: Subject) => string;
type FindReader<Subject> = (field: LogField, redactor: Redactor) => ValueReader<Subject>;

const NOTHING = '-';

export function compileLineFormat({ format = { kind: 'json' }, fields }: LineSettings, means: LineMeans): LineFormat {
  if (format.kind === 'text') return compileTemplate(format.text, means);
  if (fields === undefined && !means.redactor.hidesPlainFields) return new DefaultLines(means);
  const choice = fields ?? { base: 'default', chosen: [], without: [] };
  if (!changesDefault(choice, means.redactor)) {
    const [more, moreOfTcp] = compileBoth(choice.chosen, means);
    return new DefaultLines(means, { more, moreOfTcp });
  }
  return compileFields(choice, means);
}

/** Whether a head that goes to the client has to be kept until the line is written. */
export function readsResponseFields({ format = { kind: 'json' }, fields }: LineSettings): boolean {
  const texts = format.kind === 'text' ? [format.text] : (fields?.chosen ?? []).map(({ value }) => value);
  return texts.some(({ parts }) => parts.some((part) => typeof part !== 'string' && part.kind === 'response.header'));
}

interface NamedText {
  readonly name: string;
  readonly value: LogText;
}

function changesDefault({ base, without }: FieldChoice, redactor: Redactor): boolean {
  return base === 'nothing' || redactor.hidesPlainFields || defaultLogFields.some((name) => without.includes(name));
}

function compileFields({ base, chosen, without }: FieldChoice, means: LineMeans): LineFormat {
  const kept = base === 'nothing' ? [] : defaultLogFields.filter((name) => !without.includes(name));
  const ofDefault = kept.map((kind): NamedText => ({ name: kind, value: { source: kind, parts: [{ kind }] } }));
  const [toLine, toTcpLine] = compileBoth([...ofDefault, ...chosen], means);
  return { toLine: (exchange) => toMap(toLine(exchange)), toTcpLine: (connection) => toMap(toTcpLine(connection)) };
}

/** Of members with a comma before each. */
function toMap(members: string): string {
  return `{${members.slice(1)}}\n`;
}

function compileBoth(chosen: readonly NamedText[], means: LineMeans): [Write<Exchange>, Write<TcpConnection>] {
  return [compileMembers(chosen, findExchangeReader, means), compileMembers(chosen, findTcpReader, means)];
}

function compileMembers<Subject>(chosen: readonly NamedText[], find: FindReader<Subject>, means: LineMeans): Write<Subject> {
  const members = chosen.map((field) => compileMember(field, find, means));
  return (subject) => {
    let line = '';
    for (const member of members) line += member(subject);
    return line;
  };
}

/** `,"name":value`, or nothing. */
function compileMember<Subject>({ name, value }: NamedText, find: FindReader<Subject>, means: LineMeans): Write<Subject> {
  const key = `,${toAsciiJson(name)}:`;
  const [first, ...others] = value.parts;
  if (others.length === 0 && typeof first !== 'string' && first !== undefined) {
    const { form, read } = find(first, means.redactor);
    return (subject) => {
      const found = read(subject, means);
      return found === undefined ? '' : key + (form === 'json' ? found : toAsciiJson(found));
    };
  }
  const write = compileText(value, { find, means, missing: '' });
  const constant = value.parts.every((part) => typeof part === 'string') ? key + toAsciiJson(value.parts.join('')) : undefined;
  return constant === undefined ? (subject) => key + toAsciiJson(write(subject)) : () => constant;
}

interface TextMeans<Subject> {
  readonly find: FindReader<Subject>;
  readonly means: LineMeans;
  /** Stands for what is not there. */
  readonly missing: string;
  readonly encode?: (text: string) => string;
}

function compileText<Subject>(
  { parts }: LogText,
  { find, means, missing, encode = (text) => text }: TextMeans<Subject>,
): Write<Subject> {
  const pieces = parts.map((part): Write<Subject> => {
    if (typeof part === 'string') return () => part;
    const { read } = find(part, means.redactor);
    return (subject) => {
      const found = read(subject, means);
      return found === undefined || found === '' ? missing : encode(found);
    };
  });
  return (subject) => {
    let text = '';
    for (const piece of pieces) text += piece(subject);
    return text;
  };
}

function compileTemplate(template: LogText, means: LineMeans): LineFormat {
  const ascii: LogText = {
    ...template,
    parts: template.parts.map((part) => (typeof part === 'string' ? part.replace(/[^\x00-\x7e]+/g, escapeLineText) : part)),
  };
  const ofExchange = compileText(ascii, { find: findCommonReader, means, missing: NOTHING, encode: escapeLineText });
  const ofTcp = compileText(ascii, { find: findTcpReader, means, missing: NOTHING, encode: escapeLineText });
  return { toLine: (exchange) => `${ofExchange(exchange)}\n`, toTcpLine: (connection) => `${ofTcp(connection)}\n` };
}

/** Web servers write `HTTP/2.0`, and who reads their logs looks for it. */
function findCommonReader(field: LogField, redactor: Redactor): ValueReader<Exchange> {
  const reader = findExchangeReader(field, redactor);
  if (field.kind !== 'protocol') return reader;
  return {
    form: 'text',
    read: (exchange, means) => {
      const protocol = reader.read(exchange, means);
      return protocol === 'HTTP/2' ? 'HTTP/2.0' : protocol;
    },
  };
}
