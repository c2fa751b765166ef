/** Shares: text with a percent sign in the configuration, a number from 0 to 1 in the program. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

/** Reads `5%`, `0.5%` or `100%`. */
function readPercent(text: string): Reading<number> {
  const match = PERCENT.exec(text);
  if (match !== null && Number(match[1]) <= 100) return { value: Number(match[1]) / 100 };
  const completed = `${text.trim()}%`;
  const hint = PERCENT.test(completed) && Number(text) <= 100 ? `; write \`${completed}\`` : ', such as `50%`';
  return { problem: `${quote(text)} is not a share from \`0%\` to \`100%\`${hint}` };
}

/** A share with its sign: `50%`. The value is a number from 0 to 1. */
export function percent(): z.ZodType<number, string> {
  return textKind({
    noun: 'a share',
    examples: ['50%', '0.5%'],
    pattern: PERCENT,
    help: 'A share with its sign, from 0% to 100%.',
    read: readPercent,
  });
}
