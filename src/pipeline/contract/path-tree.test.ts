import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationTable } from './operation-table.ts';
import { PathTree } from './path-tree.ts';

function find(templates: readonly string[], path: string): unknown {
  const tree = new PathTree<string>();
  for (const template of templates) tree.add(template, template);
  const match = tree.find(path);
  return match && [match.value, ...match.names.map((name, i) => `${name}=${match.texts[i]}`)];
}

test('what is written out goes before an expression, wherever the paths stand in the document', () => {
  const templates = ['/items/{id}', '/items/mine', '/items/{id}/parts', '/items/mine/{part}/x'];
  assert.deepEqual(find(templates, '/items/mine'), ['/items/mine']);
  assert.deepEqual(find(templates, '/items/7'), ['/items/{id}', 'id=7']);
  assert.deepEqual(find(templates, '/items/mine/parts'), ['/items/{id}/parts', 'id=mine']);
  assert.equal(find(templates, '/items'), undefined);
  assert.equal(find(templates, '/items/'), undefined);
  assert.equal(find(templates, '/items/7/'), undefined);
});

test('expressions may share a segment with text', () => {
  const templates = ['/r/{name}', '/r/{name}.json', '/r/{from}..{to}', '/r/x{n}'];
  assert.deepEqual(find(templates, '/r/a.json'), ['/r/{name}.json', 'name=a']);
  assert.deepEqual(find(templates, '/r/1..9'), ['/r/{from}..{to}', 'from=1', 'to=9']);
  assert.deepEqual(find(templates, '/r/x5'), ['/r/x{n}', 'n=5']);
  assert.deepEqual(find(templates, '/r/x'), ['/r/{name}', 'name=x']);
  assert.deepEqual(find(templates, '/r/.json'), ['/r/{name}', 'name=.json']);
});

test('paths that share a beginning keep names of their own', () => {
  assert.deepEqual(find(['/a/{id}', '/a/{name}/b'], '/a/1/b'), ['/a/{name}/b', 'name=1']);
  assert.deepEqual(find(['/a/{id}', '/a/{name}/b'], '/a/1'), ['/a/{id}', 'id=1']);
});

test('paths that differ in names only are the same', () => {
  const tree = new PathTree<number>();
  assert.deepEqual([tree.add('/a/{id}', 1), tree.add('/a/{name}', 2)], [true, false]);
});

const entry = (name: string) => ({ name, requestLine: 1, answersLine: 2 });

test('a path stands below each of its servers, or where the settings say', () => {
  const paths = [{ template: '/items', bases: ['/v1', ''], operations: { GET: entry('list') } }];
  const kinds = (basePath: string | undefined, ...asked: string[]) => {
    const table = new OperationTable({ paths }, basePath);
    return asked.map((path) => table.find('GET', path).kind);
  };
  assert.deepEqual(kinds(undefined, '/v1/items', '/items', '/v2/items'), ['found', 'found', 'no-path']);
  assert.deepEqual(kinds('/shop', '/v1/items', '/items', '/shop/items'), ['no-path', 'no-path', 'found']);
});

test('HEAD is GET where it is not named, and other methods are those that are named', () => {
  const paths = [{ template: '/ümlaut', bases: [''], operations: { GET: entry('get'), PUT: entry('put') } }];
  const table = new OperationTable({ paths }, undefined);
  const head = table.find('HEAD', '/%C3%BCmlaut');
  assert.equal(head.kind === 'found' && head.entry.name, 'get');
  assert.deepEqual(table.find('POST', '/%C3%BCmlaut'), { kind: 'no-method', methods: ['GET', 'PUT', 'HEAD'] });
});
