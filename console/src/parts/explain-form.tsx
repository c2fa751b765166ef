/** Asks the gateway what it would do with a request, and shows what it says. Nothing is sent to a service. */
import { type FormEvent, useState } from 'react';
import type { ExplainQuestion, Explanation, Listener } from '../api/answers.ts';
import { ApiProblem, ask } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { ExplanationView } from './explanation-view.tsx';
import { SelectField, TextArea, TextField } from './fields.tsx';
import { Failure } from './states.tsx';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

interface ExplainFormProps {
  readonly initialUrl: string;
  readonly initialMethod?: string;
  readonly initialListener?: string;
}

export function ExplainForm({ initialUrl, initialMethod = 'GET', initialListener = '' }: ExplainFormProps) {
  const [method, setMethod] = useState(initialMethod);
  const [url, setUrl] = useState(initialUrl);
  const [headers, setHeaders] = useState('');
  const [listener, setListener] = useState(initialListener);
  const [client, setClient] = useState('');
  const [outcome, setOutcome] = useState<Explanation | ApiProblem>();
  const [isBusy, setIsBusy] = useState(false);
  const { data } = useResource<{ listeners: readonly Listener[] }>('/api/listeners');
  const explain = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    setIsBusy(true);
    setOutcome(await findOutcome({ method, url, headers: readHeaders(headers), ...given({ listener, client }) }));
    setIsBusy(false);
  };
  const names = (data?.listeners ?? []).map(({ name }) => name);
  const listeners = listener !== '' && !names.includes(listener) ? [listener, ...names] : names;
  const shownMethods = methods.includes(method) ? methods : [method, ...methods];
  return (
    <div className="explain">
      <form className="explain-form" onSubmit={(event) => void explain(event)}>
        <div className="field-row">
          <SelectField label="Method" value={method} choices={shownMethods.map((one) => [one, one])} onChange={setMethod} />
          <TextField className="field-wide" label="URL or path" value={url} onChange={setUrl} isMono isRequired />
        </div>
        <TextArea label="Headers, one in a line" value={headers} rows={3} placeholder="x-canary: yes" onChange={setHeaders} />
        <div className="field-row">
          <SelectField
            label="Listener"
            value={listener}
            choices={[['', 'The first'], ...listeners.map((name) => [name, name] as const)]}
            onChange={setListener}
          />
          <TextField label="Address of the client" value={client} onChange={setClient} placeholder="127.0.0.1" isMono />
          <button type="submit" className="button button-primary field-button" aria-disabled={isBusy}>
            {isBusy ? 'Asking…' : 'Explain'}
          </button>
        </div>
      </form>
      <div className="explain-outcome" aria-live="polite">
        {outcome === undefined && (
          <p className="quiet">Shows the route that takes a request, why, and all that would happen to it.</p>
        )}
        {outcome instanceof ApiProblem && <Failure message={outcome.message} code={outcome.code} />}
        {outcome !== undefined && !(outcome instanceof ApiProblem) && <ExplanationView explanation={outcome} />}
      </div>
    </div>
  );
}

async function findOutcome(question: ExplainQuestion): Promise<Explanation | ApiProblem> {
  try {
    return await ask<Explanation>('/api/explain', { method: 'POST', body: question });
  } catch (error) {
    return error instanceof ApiProblem ? error : new ApiProblem(0, 'UNREADABLE', 'The answer cannot be read.');
  }
}

/** What is left empty is not asked for. */
function given(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value.trim() !== ''));
}

function readHeaders(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes(':'))
    .map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    });
}
