import type { z } from 'zod';

/** A schema whose validated form is `Config`; what a user may write can be shorter. */
export type ConfigSchema<Config> = z.ZodType<Config>;
