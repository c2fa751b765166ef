import { z } from 'zod';

/** `Importance` of the services: configuration lives above them, and its schema needs nothing else of theirs. */
export const importance = z
  .enum(['critical', 'high', 'normal', 'low'])
  .describe(
    'What goes first when a service, or a data thread with `overload`, has more requests than it can take: the least important are refused first. Without it, `normal`.',
  );
