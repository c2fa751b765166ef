/** What a command may touch of the process around it, so that tests can run it inside their own. */
export interface CommandIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths count from here. */
  readonly cwd: string;
  /** Whether a person reads along: colours only then. */
  readonly isTerminal: boolean;
}

/** All went well. */
export const EXIT_OK = 0;
/** The configuration or the command line is refused. */
export const EXIT_REFUSED = 2;
