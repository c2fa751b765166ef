/**
 * What is wrong with a text that is no YAML. The parser that reads configurations stops at the first mistake and says little
 * of it; another one, far slower, finds all of them and is asked only here.
 */
import { parseDocument, type YAMLError } from 'yaml';

export interface SyntaxProblem {
  readonly offset: number;
  readonly message: string;
}

/** Messages of the parser that speak of itself rather than of the document. */
const EXPLAINED_ERRORS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'a line is indented with a tab; YAML takes only spaces',
  MULTIPLE_DOCS: 'a second document begins here; a configuration is one, so leave out the `---`',
  NON_STRING_KEY: 'a key must be text',
};

/** None, where this parser would have taken the text. */
export function findSyntaxProblems(text: string): SyntaxProblem[] {
  const options = { uniqueKeys: false, stringKeys: true, merge: true, prettyErrors: false };
  const { errors, warnings } = parseDocument(text, options);
  return [...errors, ...warnings].map(toSyntaxProblem);
}

function toSyntaxProblem({ code, message, pos }: YAMLError): SyntaxProblem {
  return { offset: pos[0], message: EXPLAINED_ERRORS[code] ?? `${message.charAt(0).toLowerCase()}${message.slice(1)}` };
}
