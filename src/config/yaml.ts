/** Reads a YAML text: one document, of which all keys are text, by the core schema of YAML 1.2 and with merge keys. */
import { EVENT_ID, type Event, parseEvents, YAMLException } from 'js-yaml';
import { joinBracketLines } from './flow-brackets.ts';
import type { IssuePath } from './issue.ts';
import { findSyntaxProblems, type SyntaxProblem } from './syntax-problems.ts';
import { YamlPlaces } from './yaml-places.ts';
import { type DuplicateKey, YamlValueReader } from './yaml-values.ts';

/** More than any configuration or description of an API has. The parser calls itself for each level. */
const DEPTH_MAX = 256;
/** Of the parser's message about it: it says in another form what `DEPTH_MAX` is. */
const DEPTH_REASON = 'nesting exceeded';
/** What is doubtful is the last character of what matches. */
const DOUBTFUL: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  {
    // Behind nothing but comments and the only one that says what is so anyway.
    pattern:
      /^\uFEFF?(?:(?:[ \t]*|%YAML[ \t]+1\.2[ \t]*)(?:#[^\n]*)?\r?\n)*(?:[ \t]+%|%(?!YAML[ \t]+1\.2[ \t]*(?:#[^\n]*)?\r?\n))/,
    message: 'of all directives, only `%YAML 1.2` is taken',
  },
  { pattern: /^\uFEFF?[ \t]+---(?=\s)/, message: '`---` stands at the very beginning of a line' },
  { pattern: /\r(?!\n)/, message: 'a carriage return stands alone here; a line ends with a line feed' },
  { pattern: /\n\uFEFF/, message: 'a byte order mark is taken only at the very beginning' },
];
/** The event of the document itself comes first. */
const ROOT = 1;

export interface YamlReading {
  /** `undefined` when there are problems. */
  readonly value: unknown;
  readonly problems: readonly SyntaxProblem[];
  readonly duplicates: readonly DuplicateKey[];
  /** The offset of the deepest part of a path that exists. */
  readonly findPlace: (path: IssuePath, pointAt: 'key' | 'value') => number;
}

export function readYaml(written: string): YamlReading {
  const { text, events, problems } = readEvents(written);
  if (problems.length > 0) return { value: undefined, problems, duplicates: [], findPlace: () => 0 };
  // Nothing but comments, if anything.
  if (events.length === 0) return { value: null, problems, duplicates: [], findPlace: () => 0 };
  const reader = new YamlValueReader(text, events, ROOT);
  const value = reader.read();
  let places: YamlPlaces | undefined;
  return {
    value: reader.problems.length > 0 ? undefined : value,
    problems: reader.problems,
    duplicates: reader.duplicates,
    findPlace: (path, pointAt) => {
      places ??= new YamlPlaces(text, events, ROOT);
      return places.find(path, pointAt);
    },
  };
}

interface ReadEvents {
  /** What the events are of: as it was given, or with other white space, and all else at the same offset. */
  readonly text: string;
  readonly events: readonly Event[];
  readonly problems: readonly SyntaxProblem[];
}

function readEvents(text: string): ReadEvents {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const isTooDeep = error.reason.startsWith(DEPTH_REASON);
    // The other parser would have to call itself as often.
    const problems = isTooDeep ? [toProblem(error)] : findSyntaxProblems(text);
    return problems.length > 0 ? { text, events: [], problems } : readJoined(text);
  }
}

/** A text that the parser refuses, and the one that explains does not. */
function readJoined(written: string): ReadEvents {
  const text = joinBracketLines(written);
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return { text, events: [], problems: [toProblem(error)] };
  }
}

function parse(text: string): ReadEvents {
  const events = parseEvents(text, { maxDepth: DEPTH_MAX });
  return { text, events, problems: findDocumentProblems(text, events) };
}

/** What the parser takes and other readers of the same text would not, or take as something else. */
function findDocumentProblems(text: string, events: readonly Event[]): readonly SyntaxProblem[] {
  const documents = events.filter(({ type }) => type === EVENT_ID.DOCUMENT).length;
  if (documents > 1) {
    const explained = findSyntaxProblems(text);
    return explained.length > 0 ? explained : [{ offset: 0, message: 'there is more than one document; a configuration is one' }];
  }
  return DOUBTFUL.flatMap(({ pattern, message }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [{ offset: match.index + match[0].length - 1, message }];
  });
}

function toProblem({ reason, mark }: YAMLException): SyntaxProblem {
  const offset = mark?.position ?? 0;
  const isTooDeep = reason.startsWith(DEPTH_REASON);
  return {
    offset,
    message: isTooDeep ? `the text is nested more than ${DEPTH_MAX} levels deep` : reason,
  };
}
