import type { LoggerSettings } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import { toEventHead } from '#telemetry/lines/syslog-lines.ts';
import { type EventObserved, toEventTarget } from './access-log-messages.ts';
import { HandedLines } from './handed-lines.ts';

const UNPRINTABLE = /[^\x20-\x7e]/g;

/** What a configuration says of the error log, as loggers hear it. `tell`: tells the control thread, which sends events. */
export function toLoggerSettings(
  { log }: Pick<Configuration, 'log'>,
  tell: (observed: EventObserved, handedOver?: readonly ArrayBuffer[]) => void,
): LoggerSettings {
  const { level, format, to } = log;
  const file = to.kind === 'file' ? to.file : undefined;
  if (to.kind !== 'syslog') return { level, format, file, send: undefined };
  const lines = new HandedLines('event-lines', toEventTarget(to), tell);
  return {
    level,
    format,
    file,
    send({ time, level, line }) {
      const hasRoom = lines.write(Buffer.from(`${toEventHead(time, level)}${toOneLine(line)}\n`, 'latin1'));
      if (!hasRoom) tell({ kind: 'event-unsent' });
      return hasRoom;
    },
  };
}

/** Of ASCII, since a message is one line: in JSON it says the same. */
function toOneLine(line: string): string {
  return line.trimEnd().replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
