/** What the control thread and a data thread say to each other. */
import type { LogFields, LogLevel } from '#base/logger.ts';
import type { ConfigurationFiles, ListeningAt } from './data-plane.ts';

export type ToDataThread =
  | {
      readonly kind: 'apply';
      readonly version: number;
      readonly configuration: SharedArrayBuffer;
      readonly files: ConfigurationFiles;
    }
  | { readonly kind: 'drain'; readonly deadlineMs: number }
  | { readonly kind: 'reopen-logs' };

export type FromDataThread =
  | { readonly kind: 'applied'; readonly version: number; readonly listening: readonly ListeningAt[] }
  | { readonly kind: 'refused'; readonly version: number; readonly reason: string; readonly code: string | undefined }
  | { readonly kind: 'drained' }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly message: string; readonly fields: LogFields | undefined };
