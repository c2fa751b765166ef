import type { ErrorKind } from '#base/errors.ts';
import type { ErrorArea } from './declared-errors.ts';
import { code, toTable } from './markdown-table.ts';

/** All errors of the program, by area. */
export function toErrorPage(areas: readonly ErrorArea[]): string {
  const sections = areas
    .filter(({ kinds }) => kinds.length > 0)
    .map(({ area, summary, kinds }) => `## ${area}\n\n${summary === undefined ? '' : `${summary}\n\n`}${toFullTable(kinds)}\n`);
  return `# Errors

What a client reads in the \`code\` of a problem document (RFC 9457), and in that of a line of the access log. Codes stay as they
are from version to version. *Side* says who has to do something about it. *Stage* is how far the request had come. *Tried
again* is whether another attempt at the service could help; whether there is one also depends on the request.

A status of 499 is only found in logs: there was nobody left to answer.

${sections.join('\n')}`;
}

/** The errors of one policy, as its own page shows them. */
export function toPolicyErrorTable(kinds: readonly ErrorKind[]): string {
  if (kinds.length === 0) return 'This policy refuses nothing.';
  return toTable(
    ['Status', 'Code', 'Meaning'],
    kinds.map(({ status, code: name, help }) => [String(status), code(name), help]),
  );
}

function toFullTable(kinds: readonly ErrorKind[]): string {
  return toTable(
    ['Code', 'Status', 'Side', 'Stage', 'Tried again', 'Meaning'],
    kinds.map(({ code: name, status, side, stage, retry, help }) => [code(name), String(status), side, stage, retry, help]),
  );
}
