/** Checks the expressions in settings of policies: their language, what they name, and the types of it. */
import { isMap, isText } from '#schema/forms.ts';
import { listCommonCaptures } from '../cross-references.ts';
import type { Finding, IssuePath } from '../issue.ts';

/** As much of a policy as is needed to find its expressions. */
interface ExpressingPolicy {
  readonly name: string;
  readonly expressionSettings?: readonly string[] | undefined;
}

interface FoundExpression {
  readonly text: string;
  readonly path: IssuePath;
}

interface WrittenExpression extends FoundExpression {
  /** Of the route; `undefined` where policies serve many. */
  readonly captures: readonly string[] | undefined;
}

/** The language is loaded only where something is written in it. */
export async function findExpressionMistakes(configuration: unknown, policies: readonly ExpressingPolicy[]): Promise<Finding[]> {
  const expressions = isMap(configuration) ? listExpressions(configuration, policies) : [];
  if (expressions.length === 0) return [];
  const { ExpressionLanguage } = await import('#pipeline/expression/language.ts');
  const language = new ExpressionLanguage();
  const findings: Finding[] = [];
  for (const { text, path, captures } of expressions) {
    const mistake = await language.findMistake(text, captures);
    if (mistake === undefined) continue;
    const { line, column, problem } = mistake;
    const place = text.includes('\n') ? `line ${line}, column ${column}` : `column ${column}`;
    findings.push({ path, code: 'invalid-value', message: `the expression, ${place}: ${problem}` });
  }
  return findings;
}

function listExpressions(
  configuration: Readonly<Record<string, unknown>>,
  policies: readonly ExpressingPolicy[],
): WrittenExpression[] {
  const { listeners, routes } = configuration;
  // Of many routes, each would be asked for all policies.
  const expressing = policies.filter(({ expressionSettings }) => expressionSettings !== undefined);
  const find: FindIn = (holder, at) => (isMap(holder) ? findInBlocks(holder['policies'], [...at, 'policies'], expressing) : []);
  const ofListeners = Object.entries(isMap(listeners) ? listeners : {});
  const ofRoutes = Object.entries(isMap(routes) ? routes : {});
  return [
    ...[...find(configuration, []), ...ofListeners.flatMap(([name, listener]) => find(listener, ['listeners', name]))].map(
      (found) => ({ ...found, captures: undefined }),
    ),
    ...ofRoutes.flatMap(([name, route]) => findInRoute(route, ['routes', name], find)),
  ];
}

type FindIn = (holder: unknown, at: IssuePath) => FoundExpression[];

function findInRoute(route: unknown, at: IssuePath, find: FindIn): WrittenExpression[] {
  if (!isMap(route)) return [];
  const found = [...find(route, at), ...listCallConditions(route['to'], [...at, 'to'])];
  if (found.length === 0) return [];
  const captures = listCommonCaptures(route['match']);
  return found.map((expression) => ({ ...expression, captures }));
}

/** Of an aggregate. */
function listCallConditions(to: unknown, at: IssuePath): FoundExpression[] {
  const aggregate = isMap(to) ? to['aggregate'] : undefined;
  const calls = isMap(aggregate) ? aggregate['calls'] : undefined;
  return Object.entries(isMap(calls) ? calls : {}).flatMap(([name, call]) => {
    const when = isMap(call) ? call['when'] : undefined;
    return isText(when) && when !== '' ? [{ text: when, path: [...at, 'aggregate', 'calls', name, 'when'] }] : [];
  });
}

function findInBlocks(blocks: unknown, at: IssuePath, policies: readonly ExpressingPolicy[]): FoundExpression[] {
  if (!isMap(blocks)) return [];
  return policies.flatMap(({ name, expressionSettings = [] }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    return expressionSettings.flatMap((setting) => {
      const text = block[setting];
      return isText(text) && text !== '' ? [{ text, path: [...at, name, setting] }] : [];
    });
  });
}
