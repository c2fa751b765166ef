/** Bodies as services send them, made of words and numbers by chance that repeats: no two lines are alike, and all have the same shape. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '#test/support/random.ts';
import { repositoryRoot } from './gateway-under-test.ts';

const DAY_MS = 86_400_000;
const FIRST_MS = 1_700_000_000_000;

const pages = readdirSync(join(repositoryRoot, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(join(repositoryRoot, 'docs', name), 'utf8'))
  .join('\n');
const words = [...new Set(pages.match(/[a-z]{4,}/g))];

/** Text as people write it: the pages of this repository. */
export function makeProse(bytes: number): Buffer {
  return Buffer.from(pages).subarray(0, bytes);
}

/** A list of orders, as an API returns it. */
export function makeJson(bytes: number): Buffer {
  const random = createRandom(1);
  const pick = (from: readonly string[] = words) => from[Math.floor(random() * from.length)]!;
  return fill(bytes, '{"items":[', ',', (i) =>
    JSON.stringify({
      id: 1_000 + i,
      sku: `${pick(['DR', 'BX', 'QA'])}-${Math.floor(random() * 9_999)}`,
      status: pick(['pending', 'shipped', 'delivered', 'cancelled']),
      total: Math.floor(random() * 100_000) / 100,
      createdAt: new Date(FIRST_MS + random() * DAY_MS).toISOString(),
      title: `${pick()} ${pick()} ${pick()}`,
      customer: { id: Math.floor(random() * 5_000), name: `${pick()} ${pick()}`, email: `${pick()}@example.com` },
      tags: [pick(), pick()],
      address: null,
    }),
  );
}

/** A table of a page. */
export function makeHtml(bytes: number): Buffer {
  const random = createRandom(2);
  const pick = () => words[Math.floor(random() * words.length)]!;
  return fill(bytes, '<!doctype html><table>', '\n', (i) => {
    const text = Array.from({ length: 8 }, pick).join(' ');
    const total = (random() * 1_000).toFixed(2);
    return `<tr class="row ${i % 2 === 0 ? 'even' : 'odd'}"><td><a href="/orders/${i}">Order ${i}</a></td><td class="name">${pick()}</td><td class="total">${total}</td><td><p>${text}</p></td></tr>`;
  });
}

function fill(bytes: number, start: string, between: string, toPart: (index: number) => string): Buffer {
  const parts = [start];
  for (let length = start.length, i = 0; length < bytes; i++) {
    parts.push(`${toPart(i)}${between}`);
    length += parts.at(-1)!.length;
  }
  return Buffer.from(parts.join('')).subarray(0, bytes);
}
