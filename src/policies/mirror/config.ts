import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { entryName } from '#schema/name.ts';
import { percentage } from '#schema/percentage.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';

const IGNORED_MAX = 100;

const compare = z.strictObject({
  ignore: z
    .array(ignoredPlace())
    .max(IGNORED_MAX)
    .default([])
    .describe(
      'What is not compared: names of fields (`x-build`, or `x-debug-*` for all that begin so), and places in bodies of JSON (`/items/*/updatedAt`). Fields that always differ, such as `date`, are among them.',
    ),
  unordered: z
    .array(unorderedList())
    .max(IGNORED_MAX)
    .default([])
    .describe(
      'Lists in bodies of JSON whose items may come in any order: `/items`, or `/items=id` where a member tells them apart.',
    ),
  sample: percentage().prefault('100%').describe('How many of the copies are compared.'),
  bodyMax: bytes({ max: '1MiB' })
    .prefault('64KiB')
    .describe('How much of each body is kept to tell where they differ. Of longer ones it is only told that they do.'),
});

export const mirrorConfig = z.strictObject({
  to: entryName().describe('The name of the service that is sent the copies.'),
  percent: percentage().prefault('100%').describe('How many of the requests are copied, such as `10%` or `0.5%`.'),
  maxBody: bytes({ max: '1MiB' }).prefault('64KiB').describe('Requests with longer bodies are not copied.'),
  timeout: duration({ min: '10ms', max: '1m' })
    .prefault('5s')
    .describe('How long a copy may take, from the head of the request to the end of the answer that nobody reads.'),
  compare: compare
    .optional()
    .describe(
      'Compares the answer to each copy with the one of the service, and counts and tells the differences. Without it, no answer is looked at.',
    ),
});
export type MirrorConfig = z.infer<typeof mirrorConfig>;

/** RFC 9110 §5.1, with `*` behind the beginning of a name. */
const fieldPattern = /^[a-z0-9!#$%&'+.^_`|~-]+\*?$/i;

function ignoredPlace(): z.ZodType<string, string> {
  return textKind({
    noun: 'the name of a field or a JSON pointer',
    examples: ['x-build', '/items/*/updatedAt'],
    help: 'The name of a field, or a JSON pointer in which `*` stands for any one member or item.',
    read(text): Reading<string> {
      if (text.startsWith('/')) return readPointer(text);
      return fieldPattern.test(text)
        ? { value: text.toLowerCase() }
        : { problem: 'write the name of a field, such as `x-build`, or a JSON pointer, such as `/items/*/updatedAt`' };
    },
  });
}

function unorderedList(): z.ZodType<string, string> {
  return textKind({
    noun: 'a JSON pointer',
    examples: ['/items', '/items=id'],
    help: 'A JSON pointer, with `=` and the name of a member behind it where that tells items apart.',
    read: (text): Reading<string> => readPointer(text),
  });
}

function readPointer(text: string): Reading<string> {
  const isPointer = text.startsWith('/') && !/~(?![01])/.test(text);
  return isPointer
    ? { value: text }
    : { problem: 'a JSON pointer begins with `/`; in it, `~` is written `~0`, and `/` is written `~1`' };
}
