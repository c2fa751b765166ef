/** Shares: text with a percent sign in the configuration, a number from 0 to 1 in the program. */
import type { z } from 'zod';
import { assert } from '#base/assert.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const PERCENTAGE = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

/** `20%` as 0.2; `undefined` for anything else. */
export function parsePercentage(text: string): number | undefined {
  const match = PERCENTAGE.exec(text);
  return match === null ? undefined : Number(match[1]) / 100;
}

/** A share with a percent sign: `20%`, `0.5%`. The value is from 0 to 1. */
export function percentage({ max = '100%' }: { readonly max?: string } = {}): z.ZodType<number, string> {
  const most = parsePercentage(max);
  assert(most !== undefined, `${max} is not a bound of a percentage`);
  return textKind({
    noun: 'a percentage',
    examples: ['20%', '0.5%'],
    pattern: PERCENTAGE,
    help: `A number with a percent sign, from 0% to ${max}.`,
    read(text): Reading<number> {
      const share = parsePercentage(text);
      if (share === undefined)
        return { problem: `${quote(text)} is not a percentage; write a number with a percent sign, such as \`20%\`` };
      return share > most ? { problem: `${quote(text)} is too much; at most \`${max}\`` } : { value: share };
    },
  });
}
