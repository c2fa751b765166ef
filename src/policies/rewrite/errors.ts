import { defineErrors } from '#base/errors.ts';

export const rewriteErrors = defineErrors('rewrite', {
  unusablePath: {
    side: 'client',
    stage: 'policy',
    status: 400,
    retry: 'never',
    help: 'The path cannot be rewritten to one that is safe to forward.',
  },
});
