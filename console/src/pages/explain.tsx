import { ExplainForm } from '../parts/explain-form.tsx';
import { Panel } from '../parts/panel.tsx';

/** What the gateway would do with a request, without sending it. */
export function ExplainPage({ query }: { readonly query: URLSearchParams }) {
  return (
    <Panel title="Explain a request">
      <ExplainForm
        initialUrl={query.get('url') ?? '/'}
        initialMethod={query.get('method') ?? 'GET'}
        initialListener={query.get('listener') ?? ''}
      />
    </Panel>
  );
}
