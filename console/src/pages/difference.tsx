/** What one version of the configuration changed. */
import type { HistoryEntry } from '../api/answers.ts';
import { part } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { formatDateTime } from '../formats.ts';
import { CodeBlock } from '../parts/code-block.tsx';
import { SelectField } from '../parts/fields.tsx';
import { Panel } from '../parts/panel.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { navigate, toHash } from '../router.ts';

interface DifferencePageProps {
  readonly hash: string;
  /** Another version; without it, the one before. */
  readonly against: string | undefined;
}

export function DifferencePage({ hash, against }: DifferencePageProps) {
  const path = `/api/history/${part(hash)}`;
  const difference = useResource<{ diff: string }>(`${path}/diff${against === undefined ? '' : `?against=${part(against)}`}`);
  const version = useResource<{ text: string }>(path);
  const history = useResource<{ entries: readonly HistoryEntry[] }>('/api/history');
  const others = (history.data?.entries ?? []).filter((entry) => entry.hash !== hash);
  const choices = [
    ['', 'the version before it'] as const,
    ...others.map(
      (entry) =>
        [
          entry.hash,
          `${entry.hash.slice(0, 8)} of ${formatDateTime(entry.appliedAt)}${entry.current ? ' (current)' : ''}`,
        ] as const,
    ),
  ];
  return (
    <>
      <Panel title="Difference" isFlush>
        <div className="difference-choice">
          <SelectField
            label="Compared with"
            value={against ?? ''}
            choices={choices}
            onChange={(other) => navigate(toHash(['configuration', hash], { against: other }), { isReplaced: true })}
          />
        </div>
        <Shown resource={difference} rows={6}>
          {(data) => <DifferenceView text={data.diff} />}
        </Shown>
      </Panel>
      <Panel title="Whole text" isFlush>
        <Shown resource={version} rows={12}>
          {(data) => <CodeBlock text={data.text} label="Text of this version" hasLineNumbers />}
        </Shown>
      </Panel>
    </>
  );
}

/** A unified diff, line by line. Signs say what colours say. */
function DifferenceView({ text }: { readonly text: string }) {
  const lines = text.split('\n').filter((line) => line !== '' && !/^(?:---|\+\+\+|Index|=====|\\ No newline)/.test(line));
  if (lines.length === 0) return <Empty title="No difference" />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <section className="code-scroll difference" aria-label="Changed lines" tabIndex={0}>
      <pre>
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have an order and may repeat
          <span key={index} className={kindOf(line)}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  );
}

function kindOf(line: string): string {
  if (line.startsWith('@@')) return 'difference-place';
  if (line.startsWith('+')) return 'difference-added';
  return line.startsWith('-') ? 'difference-removed' : 'difference-same';
}
