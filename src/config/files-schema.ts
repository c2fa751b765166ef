/** Files of a folder: `to.files`. */
import { z } from 'zod';
import { codings, type FilesDefinition } from '#files/files-definition.ts';
import { duration } from '#schema/duration.ts';
import { folderPath } from '#schema/file-path.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';

export interface FilesDestination extends FilesDefinition {
  readonly kind: 'files';
}

const DEFAULT_INDEX = 'index.html';
const DEFAULT_CHARSET = 'utf-8';
const MEDIA_TYPE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:; ?[\x21-\x7e]+)*$/;
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const isFalse = (value: unknown) => value === false;

const fileName = textKind({
  noun: 'the name of a file',
  examples: [DEFAULT_INDEX],
  help: 'The name of a file.',
  read: (text): Reading<string> =>
    text.includes('/') ? { problem: `${quote(text)} is a path; write the name of a file` } : readInnerPath(text),
});

function innerPath(example: string) {
  return textKind({
    noun: 'the path of a file in the folder',
    examples: [example],
    help: 'The path of a file in the folder.',
    read: readInnerPath,
  });
}

function readInnerPath(text: string): Reading<string> {
  if (text.startsWith('/')) return { problem: `${quote(text)} begins with \`/\`; write the path from the folder on` };
  const hasOddNames = text.split('/').some((name) => name === '' || name === '.' || name === '..');
  if (hasOddNames || /[\x00-\x1f\x7f\\]/.test(text)) return { problem: `${quote(text)} is not the path of a file in the folder` };
  return { value: text };
}

const filePattern = textKind({
  noun: 'a pattern of files',
  examples: ['*.html', 'assets/**'],
  help: 'Which files: `*.html` by the name, in every folder; `assets/**` by the path. `*` is any part of one name, `**` any part of a path.',
  read: (text): Reading<string> =>
    text === '' || text.startsWith('/')
      ? {
          problem: `${quote(text)} fits no file; write a name such as \`*.html\`, or a path from the folder on such as \`assets/**\``,
        }
      : { value: text },
});

const cacheControlValue = textKind({
  noun: 'a value of `cache-control`',
  examples: ['no-cache', 'public, max-age=31536000, immutable'],
  help: 'The value of `cache-control`.',
  read: (text): Reading<string> =>
    FIELD_VALUE.test(text) ? { value: text } : { problem: `${quote(text)} is no value of a field` },
});

const cacheControl = forms('a value of `cache-control`, or a list of patterns with values', [
  { isMeant: isText, schema: cacheControlValue.transform((value) => [{ files: '**', value }]) },
  {
    isMeant: Array.isArray,
    schema: z.array(
      z.strictObject({
        files: filePattern,
        value: cacheControlValue,
      }),
    ),
  },
]);

const ending = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_+-]*$/, 'expected the ending of a name without its dot, in lower case, such as `md`');

const mediaType = textKind({
  noun: 'a media type',
  examples: ['text/markdown'],
  help: 'A media type.',
  read: (text): Reading<string> =>
    MEDIA_TYPE.test(text)
      ? { value: text }
      : { problem: `${quote(text)} is not a media type; write one such as \`text/markdown\`` },
});

const settings = z
  .strictObject({
    folder: folderPath('The folder, from the folder of the configuration on.'),
    index: forms('the name of a file, or `false`', [
      { isMeant: isFalse, schema: z.literal(false) },
      { isMeant: isText, schema: fileName },
    ])
      .prefault(DEFAULT_INDEX)
      .describe('The file that a folder is answered with; `false` answers folders with 404.'),
    fallback: innerPath('index.html')
      .optional()
      .describe(
        'The file that is answered with, as if it were there, where a page is asked for that is not: for applications of a single page.',
      ),
    notFound: innerPath('404.html').optional().describe('The file that is answered with, with status 404, where there is none.'),
    cacheControl: cacheControl
      .optional()
      .describe('What `cache-control` says: one value, or a list of patterns, of which the first that fits decides.'),
    precompressed: z
      .array(z.enum(codings))
      .max(codings.length)
      .default([])
      .describe(
        'Codings in which files lie beside the plain ones, as `app.js.br`, `app.js.zst` and `app.js.gz`, those first that are liked better. One that is older than its plain file is not sent.',
      ),
    types: z
      .record(ending, mediaType)
      .default({})
      .describe('Values of `content-type` by the ending of the name, beside and before those that are known.'),
    charset: forms('the name of a charset, or `false`', [
      { isMeant: isFalse, schema: z.literal(false) },
      {
        isMeant: isText,
        schema: z.string().regex(/^[A-Za-z0-9_-]+$/, `expected the name of a charset, such as \`${DEFAULT_CHARSET}\``),
      },
    ])
      .prefault(DEFAULT_CHARSET)
      .describe('The charset of texts; `false` says nothing of it.'),
    dotfiles: z.boolean().default(false).describe('Whether names that begin with a dot are served. `.well-known` always is.'),
    recheck: duration({ max: '1h' })
      .prefault('1s')
      .describe(
        'How long a short file that was sent, or a name that was no file, is remembered before the folder is looked at again; `0s` looks each time.',
      ),
    outsideLinks: z.boolean().default(false).describe('Whether symbolic links may lead out of the folder.'),
  })
  .transform(
    ({
      recheck,
      index,
      charset,
      dotfiles,
      outsideLinks,
      cacheControl: values,
      folder,
      fallback,
      notFound,
      precompressed,
      types,
    }): FilesDestination => ({
      kind: 'files',
      folder,
      index: index === false ? undefined : index,
      allowsDotfiles: dotfiles,
      followsLinks: outsideLinks,
      keptMs: recheck,
      precompressed,
      types,
      charset: charset === false ? undefined : charset,
      cacheControl: values ?? [],
      fallback,
      notFound,
    }),
  );

/** The path of a folder, or a map. */
export const filesSchema = forms('the path of a folder, or a map with `folder`', [
  { isMeant: isText, schema: folderPath('The folder.').transform((folder) => settings.parse({ folder })) },
  { isMeant: isMap, schema: settings },
]);
