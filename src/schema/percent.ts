/** Shares: text with a percent sign in the configuration, a number from 0 to 1 in the program. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

/** `50%`, `0.5%`: more than nothing, and at most all. The value is a share of 1. */
export function percent(): z.ZodType<number, string> {
  return textKind({
    noun: 'a percentage',
    examples: ['50%', '12.5%'],
    pattern: PERCENT,
    help: 'A percentage, above `0%` and at most `100%`.',
    read: readPercent,
  });
}

function readPercent(text: string): Reading<number> {
  const match = PERCENT.exec(text);
  if (match === null) return { problem: `${quote(text)} is not a percentage; write a number with \`%\`, such as \`50%\`` };
  const value = Number(match[1]) / 100;
  if (value > 0 && value <= 1) return { value };
  return { problem: `${quote(text)} is not above \`0%\` and at most \`100%\`` };
}
