import { defineErrors } from '#base/errors.ts';

export const addressesErrors = defineErrors('addresses', {
  // Neither whether the address is on a list nor on which: that would tell whoever tries which of his addresses are known.
  refused: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'Access is denied.' },
});
