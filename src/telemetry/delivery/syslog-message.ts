/** Lines as messages of syslog (RFC 5424). */
import { syslogFacilities } from '#config/access-log/target-schema.ts';
import { SYSLOG_HEAD_LENGTH } from '#telemetry/lines/syslog-lines.ts';

export interface SyslogOrigin {
  readonly facility: (typeof syslogFacilities)[number];
  readonly app: string;
  readonly host: string;
  readonly processId: number;
}

/** RFC 5424 §6: printable ASCII without spaces, of bounded length. */
const HOST_LENGTH_MAX = 255;
const ISO_TIME_LENGTH = 24;
const SEVERITY_AT = ISO_TIME_LENGTH + 1;

export class SyslogMessages {
  readonly #facilityBits: number;
  /** Between time and text. */
  readonly #middle: string;

  constructor({ facility, app, host, processId }: SyslogOrigin) {
    this.#facilityBits = syslogFacilities.indexOf(facility) * 8;
    this.#middle = ` ${toName(host)} ${app} ${processId} access - `;
  }

  /** `line` begins with time and severity. */
  toMessage(line: Uint8Array): string {
    const text = Buffer.from(line.buffer, line.byteOffset, line.length).latin1Slice();
    const priority = this.#facilityBits + Number(text.charAt(SEVERITY_AT));
    return `<${priority}>1 ${text.slice(0, ISO_TIME_LENGTH)}${this.#middle}${text.slice(SYSLOG_HEAD_LENGTH)}`;
  }
}

function toName(host: string): string {
  const name = host.replace(/[^\x21-\x7e]/g, '').slice(0, HOST_LENGTH_MAX);
  return name === '' ? '-' : name;
}
