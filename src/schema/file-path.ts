/** Paths of files that a configuration names. */
import type { z } from 'zod';
import { type Reading, textKind } from './text-kind.ts';

/** A path of a file. It may be relative; to what, the help says. */
export function filePath(help: string): z.ZodType<string, string> {
  return textKind({
    noun: 'the path of a file',
    examples: ['./certs/shop.pem'],
    help,
    read(text): Reading<string> {
      if (text === '') return { problem: 'the path is empty' };
      if (text.startsWith('-----BEGIN'))
        return { problem: 'expected the path of a file, not its content; put the content into a file' };
      return text.includes('\0') ? { problem: 'a path holds no NUL character' } : { value: text };
    },
  });
}

/** A path of a folder. It may be relative; to what, the help says. */
export function folderPath(help: string): z.ZodType<string, string> {
  return textKind({
    noun: 'the path of a folder',
    examples: ['./site'],
    help,
    read(text): Reading<string> {
      if (text === '') return { problem: 'the path is empty; write `.` for the folder of the configuration itself' };
      return text.includes('\0') ? { problem: 'a path holds no NUL character' } : { value: text };
    },
  });
}
