import { isGrpcRequest } from '#http/grpc-request.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { ErrorPagesConfig } from './config.ts';
import { errorPagesErrors } from './errors.ts';
import { PageStage } from './page-stage.ts';
import { Pages } from './pages.ts';

/** Answers errors with pages: HTML for people, JSON of one's own for programs. */
export const errorPagesPolicy = definePolicy({
  name: 'error-pages',
  summary: 'Answers errors with pages of your own: HTML for browsers, JSON for programs.',
  loadConfig: async () => (await import('./config.ts')).errorPagesConfig,
  errors: errorPagesErrors,
  fileSettings: ['html', 'statuses'],
  coversMissingRoutes: true,
  describe: (config: ErrorPagesConfig) => describe(config),
  create(config, { texts }) {
    const pages = new Pages(config, texts);
    return {
      answerStage(exchange, response) {
        // Clients of gRPC look at their own status alone.
        if (response.status < 400 || isGrpcRequest(exchange.request)) return undefined;
        if (exchange.error === undefined && !pages.intercepts(response.status)) return undefined;
        const page = pages.render(exchange, response.status);
        if (pages.hasHtml(response.status)) response.fields.push('vary', 'accept');
        return page === undefined ? undefined : new PageStage(exchange, page);
      },
    };
  },
});

function describe({ html, json, statuses = [], intercept }: ErrorPagesConfig): string {
  const kinds = [
    ...(html === undefined ? [] : ['HTML for browsers']),
    ...(json === undefined ? [] : ['JSON of its own']),
    ...(statuses.length === 0 ? [] : [`${statuses.length} ${statuses.length === 1 ? 'page' : 'pages'} by status`]),
  ];
  const pages = kinds.length === 0 ? 'problem documents' : kinds.join(', ');
  return intercept === undefined ? `answers errors with ${pages}` : `answers errors with ${pages}, some of services too`;
}
