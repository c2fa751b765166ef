import { filePath } from '#schema/file-path.ts';

/** Where the gateway itself keeps what is to outlive it. */
export const storeFile = filePath('A path; a relative one is relative to the folder of the configuration.').describe(
  'A file of the gateway’s own in which it keeps what is to outlive a restart, such as counts of quotas. Each gateway needs its own. Without it, a restart forgets them. A change takes effect at the next start.',
);
