/** Statuses of answers: one, or a range of them. */
import { z } from 'zod';
import { forms } from './forms.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const STATUSES = /^([2-5]\d\d)-([2-5]\d\d)$/;

/** A status such as `200`, or a range such as `"200-399"`. */
export const statusRange = forms('a status such as `200`, or a range such as `"200-399"`', [
  {
    isMeant: (value) => typeof value === 'number',
    schema: z
      .int()
      .min(200)
      .max(599)
      .transform((status) => ({ from: status, to: status })),
  },
  {
    isMeant: (value) => typeof value === 'string',
    schema: textKind({
      noun: 'a range of statuses',
      examples: ['200-399'],
      pattern: STATUSES,
      help: 'A range of statuses, both ends included.',
      read(text): Reading<{ from: number; to: number }> {
        const [, from, to] = STATUSES.exec(text) ?? [];
        if (from !== undefined && to !== undefined && from <= to) return { value: { from: Number(from), to: Number(to) } };
        return { problem: `${quote(text)} is not a range of statuses; write \`200-399\`` };
      },
    }),
  },
]);
