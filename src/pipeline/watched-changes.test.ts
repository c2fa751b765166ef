import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { watchChange } from './watched-changes.ts';

test('so much is noted of an exchange, and no more', () => {
  const journal = new ExchangeJournal(new FakeClock());
  let changes = 0;
  for (let i = 0; i <= limits.journalEntriesMax; i++) {
    journal.note('cache', 'miss');
    journal.addAttempt({ service: 's', endpoint: 'e', cause: 'retry', choice: undefined, startedMs: 1 });
    watchChange(journal, { policy: 'headers', phase: 'upstreamRequest' }, () => {
      changes += 1;
    });
  }
  const { notes, attempts, policies } = journal;
  assert.deepEqual(
    [notes, attempts, policies].map(({ length }) => length),
    Array.from({ length: 3 }, () => limits.journalEntriesMax),
  );
  assert.equal(changes, limits.journalEntriesMax + 1);
});
