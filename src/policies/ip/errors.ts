import { defineErrors } from '#base/errors.ts';

export const ipErrors = defineErrors('ip', {
  // Neither whether the address is on a list nor on which: that would tell whoever tries which of his addresses are known.
  refused: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'Access is denied.' },
});
