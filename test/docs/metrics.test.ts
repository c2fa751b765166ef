/** Metrics stand in the documentation, and the dashboard and the alarms ask for none that is not there. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { needs, run } from '#test/support/programs.ts';
import { readRepository, repositoryRoot } from '../tidy/repository.ts';

const NAME = /gatehouse_[a-z0-9_]+/g;
/** Behind the names of histograms. */
const PARTS = /_(?:bucket|sum|count)$/;
const deploy = join(repositoryRoot, 'deploy');

/** As they are declared in the code: a name in quotation marks. */
function readDeclared(): Set<string> {
  const sources = readRepository().filter(
    ({ path }) => path.startsWith('src/') && path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  return new Set(sources.flatMap(({ text }) => [...text.matchAll(/'(gatehouse_[a-z0-9_]+)'/g)].map(([, name]) => name!)));
}

function readNames(file: string): Set<string> {
  return new Set(readFileSync(join(repositoryRoot, file), 'utf8').match(NAME));
}

function missing(names: Iterable<string>, declared: ReadonlySet<string>): string[] {
  return [...names].filter((name) => !declared.has(name) && !declared.has(name.replace(PARTS, '')));
}

test('every metric is described, and every one that is described is there', () => {
  const declared = readDeclared();
  assert.ok(declared.size > 40);
  const documented = readNames('docs/metrics.md');
  assert.deepEqual(missing(documented, declared), []);
  assert.deepEqual(
    [...declared].filter((name) => !documented.has(name)),
    [],
  );
});

for (const file of ['deploy/grafana/gatehouse.json', 'deploy/prometheus/alerts.yaml', 'deploy/prometheus/alerts.test.yaml'])
  test(`every metric of ${file} is there`, () => {
    const names = readNames(file);
    assert.ok(names.size > 3);
    assert.deepEqual(missing(names, readDeclared()), []);
    assert.deepEqual(missing(['gatehouse_nothing_total'], readDeclared()), ['gatehouse_nothing_total']);
  });

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

test('Prometheus can read every question of the dashboard', needs('promtool'), async (t) => {
  const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana/gatehouse.json'), 'utf8')) as { readonly panels: Panel[] };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const questions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  assert.ok(questions.length > 30);
  // Rules are questions, too. What Grafana puts in the place of its variables is filled in.
  const rules = questions.map((expr, i) => ({
    record: `question:${i}`,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$[a-z]+/g, '.*'),
  }));
  const file = join(await makeFolder(t), 'questions.yaml');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'questions', rules }] }));
  const { status, stderr } = await run('promtool', ['check', 'rules', file]);
  assert.equal(status, 0, stderr);
});

test('promtool accepts the alarms, and they are raised when they should be', needs('promtool'), async () => {
  const rules = await run('promtool', ['check', 'rules', join(deploy, 'prometheus/alerts.yaml')]);
  assert.equal(rules.status, 0, rules.stderr);
  const tried = await run('promtool', ['test', 'rules', join(deploy, 'prometheus/alerts.test.yaml')]);
  assert.equal(tried.status, 0, `${tried.stdout}${tried.stderr}`);
});
