import type { LoggerSettings } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';

/** What a configuration says of the error log, as loggers hear it. */
export function toLoggerSettings({ log }: Pick<Configuration, 'log'>): LoggerSettings {
  const { level, format, to } = log;
  return { level, format, file: to.kind === 'file' ? to.file : undefined };
}
