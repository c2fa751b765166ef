import { z } from 'zod';

/** A share of something in percent; decimals are allowed. */
export function percent(): z.ZodNumber {
  return z.number().min(0).max(100);
}
