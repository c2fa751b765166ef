/** What the data plane and control thread log through. Messages are short fixed strings; what varies goes into fields. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** What a configuration says of it. */
export interface LoggerSettings {
  /** What is below it is not written. */
  readonly level: LogLevel;
  /** `undefined`: text on a terminal, JSON elsewhere. */
  readonly format: 'json' | 'text' | undefined;
  /** `undefined`: the standard error. */
  readonly file: string | undefined;
  /** Has events sent to somewhere else. */
  readonly send?: SendEvent | undefined;
}

/** `line` is the event as it would be written. False: it has no room. */
export type SendEvent = (event: { readonly time: string; readonly level: LogLevel; readonly line: string }) => boolean;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** Loggers of programs that embed the gateway may go their own way. */
  follow?(settings: LoggerSettings): void;
  /** Its file was moved away. */
  reopen?(): void;
  /** Writes lines that could not be sent. */
  recover?(lines: string): void;
}

export const silentLogger: Logger = { log() {} };
