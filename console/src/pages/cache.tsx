/** What the cache holds, what it was of use for, and how answers are thrown out of it. */
import { useState } from 'react';
import type { Cache, PurgeOutcome } from '../api/answers.ts';
import { ask } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { formatBytes, formatCount, formatNumberOf, formatPercent } from '../formats.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { KeyFigure } from '../parts/key-figure.tsx';
import { Panel } from '../parts/panel.tsx';
import { ActionButton } from '../parts/permission.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { toHash } from '../router.ts';

export function CachePage() {
  const cache = useResource<Cache>('/api/cache', 3_000);
  return (
    <>
      <Shown resource={cache} rows={4}>
        {(data) => (
          <>
            <Figures cache={data} />
            <Panel title="Answers by route" isFlush>
              <ResultTable routes={data.routes} />
            </Panel>
          </>
        )}
      </Shown>
      <Purge onPurged={cache.reload} />
    </>
  );
}

function Figures({ cache }: { readonly cache: Cache }) {
  const counts = cache.routes.map(({ results }) => countOf(results));
  const asked = counts.reduce((sum, { all }) => sum + all, 0);
  const hits = counts.reduce((sum, count) => sum + count.hits, 0);
  return (
    <div className="key-figures">
      <KeyFigure label="Answers kept" value={formatCount(cache.answers)} note="in memory" trend={[]} />
      <KeyFigure label="Memory" value={formatBytes(cache.bytes)} note="of all answers" trend={[]} />
      <KeyFigure
        label="Hits"
        value={formatPercent(asked === 0 ? undefined : hits / asked)}
        note={`${formatCount(hits)} of ${formatCount(asked)} requests`}
        trend={[]}
      />
      <KeyFigure label="Evictions" value={formatCount(cache.evictions)} note="still of use, but no room" trend={[]} />
    </div>
  );
}

/** Everything but what went on to the service. */
function countOf(results: Readonly<Record<string, number>>): { all: number; hits: number } {
  let all = 0;
  let hits = 0;
  for (const [result, count] of Object.entries(results)) {
    all += count;
    if (result !== 'miss' && result !== 'bypass') hits += count;
  }
  return { all, hits };
}

function ResultTable({ routes }: { readonly routes: Cache['routes'] }) {
  if (routes.length === 0) return <Empty title="Nothing was asked for">Routes with the policy cache appear here.</Empty>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col">Answered from</th>
          <th scope="col" className="number">
            Hits
          </th>
        </tr>
      </thead>
      <tbody>
        {routes.map(({ route, results }) => {
          const { all, hits } = countOf(results);
          return (
            <tr key={route}>
              <td className="name-cell">{route === '' ? 'others' : <a href={toHash(['routes', route])}>{route}</a>}</td>
              <td className="inline-list">
                {Object.entries(results).map(([result, count]) => (
                  <span key={result}>
                    <span className="quiet">{result}</span> {formatCount(count)}
                  </span>
                ))}
              </td>
              <td className="number">{formatPercent(all === 0 ? undefined : hits / all)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Purge({ onPurged }: { onPurged(): void }) {
  const [kind, setKind] = useState('url');
  const [value, setValue] = useState('');
  const [isAsking, setIsAsking] = useState(false);
  const [outcome, setOutcome] = useState<PurgeOutcome>();
  return (
    <Panel title="Purge">
      <form
        className="field-row"
        onSubmit={(event) => {
          event.preventDefault();
          if (value.trim() !== '') setIsAsking(true);
        }}
      >
        <SelectField
          label="What"
          value={kind}
          choices={[
            ['url', 'One address'],
            ['prefix', 'All that begin with'],
            ['tag', 'All with the tag'],
          ]}
          onChange={setKind}
        />
        <TextField
          className="field-wide"
          label={kind === 'tag' ? 'Tag' : 'URL'}
          value={value}
          placeholder={kind === 'tag' ? 'articles' : 'https://shop.example/articles/17'}
          onChange={setValue}
          isMono
          isRequired
        />
        <div className="field-button">
          <ActionButton needs="operate" kind="danger" type="submit">
            Purge
          </ActionButton>
        </div>
      </form>
      <p className="quiet" role="status">
        {outcome !== undefined &&
          `${formatNumberOf(outcome.purged, 'answer')} ${outcome.purged === 1 ? 'was' : 'were'} thrown out of memory${outcome.store === 'none' ? '' : `; the shared store: ${outcome.store}`}.`}
      </p>
      {isAsking && (
        <ConfirmDialog
          title="Purge the cache?"
          action="Purge"
          isDangerous
          onClose={() => setIsAsking(false)}
          onConfirm={async () => {
            setOutcome(await ask<PurgeOutcome>('/api/cache/purge', { method: 'POST', body: { [kind]: value.trim() } }));
            onPurged();
          }}
        >
          <p>
            Answers for <code className="breaking">{value}</code> are thrown out. Services are asked for them again.
          </p>
        </ConfirmDialog>
      )}
    </Panel>
  );
}
