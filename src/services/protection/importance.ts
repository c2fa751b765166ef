/** How much it matters that a request is served when not all can be. In order: whoever comes first here goes first. */
export const importances = ['critical', 'high', 'normal', 'low'] as const;
export type Importance = (typeof importances)[number];
