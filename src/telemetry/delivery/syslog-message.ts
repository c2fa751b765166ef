/** Lines as messages of syslog (RFC 5424). All of it is ASCII, so that characters are bytes, and any of them may be the last. */
import { syslogFacilities } from '#config/access-log/syslog-target-schema.ts';
import { SYSLOG_HEAD_LENGTH } from '#telemetry/lines/syslog-lines.ts';

export interface SyslogMessagesOptions {
  readonly facility: (typeof syslogFacilities)[number];
  readonly app: string;
  readonly host: string;
  readonly processId: number;
  /** What kind of message they are: MSGID. */
  readonly messageId: string;
  readonly isNumbered: boolean;
  /** What is longer is cut; `undefined`: nothing is. */
  readonly lengthMax: number | undefined;
  /** One was. */
  onCut(): void;
}

/** RFC 5424 §6: printable ASCII without spaces, of bounded length. */
const HOST_LENGTH_MAX = 255;
const ISO_TIME_LENGTH = 24;
const SEVERITY_AT = ISO_TIME_LENGTH + 1;
/** RFC 5424 §7.3.1: then it begins anew. */
const SEQUENCE_ID_MAX = 2_147_483_647;
/** The end of a message that was cut. */
const CUT = '[cut]';

export class SyslogMessages {
  readonly #options: SyslogMessagesOptions;
  readonly #facilityBits: number;
  /** Between time and structured data. */
  readonly #middle: string;
  #sequenceId = 0;

  constructor(options: SyslogMessagesOptions) {
    const { facility, app, host, processId, messageId } = options;
    this.#options = options;
    this.#facilityBits = syslogFacilities.indexOf(facility) * 8;
    this.#middle = ` ${toName(host)} ${app} ${processId} ${messageId} `;
  }

  /** `line` begins with time and severity. */
  toMessage(line: Uint8Array): string {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).latin1Slice();
    const priority = this.#facilityBits + Number(text.charAt(SEVERITY_AT));
    const head = `<${priority}>1 ${text.slice(0, ISO_TIME_LENGTH)}${this.#middle}${this.#nextData()} `;
    return this.#cut(head + text.slice(SYSLOG_HEAD_LENGTH));
  }

  #nextData(): string {
    if (!this.#options.isNumbered) return '-';
    this.#sequenceId = (this.#sequenceId % SEQUENCE_ID_MAX) + 1;
    return `[meta sequenceId="${this.#sequenceId}"]`;
  }

  #cut(message: string): string {
    const { lengthMax = message.length, onCut } = this.#options;
    if (message.length <= lengthMax) return message;
    onCut();
    return message.slice(0, lengthMax - CUT.length) + CUT;
  }
}

function toName(host: string): string {
  const name = host.replace(/[^\x21-\x7e]/g, '').slice(0, HOST_LENGTH_MAX);
  return name === '' ? '-' : name;
}
