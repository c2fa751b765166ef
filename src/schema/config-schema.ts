import type { z } from 'zod';

/** A schema whose validated form is `Config`; what a user may write, `Input`, can be shorter. */
export type ConfigSchema<Config, Input = unknown> = z.ZodType<Config, Input>;
