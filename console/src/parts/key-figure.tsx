import { Sparkline } from '../charts/sparkline.tsx';

interface KeyFigureProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string | undefined;
  readonly trend: readonly number[];
  readonly tone?: 'accent' | 'bad' | 'quiet';
}

/** One number that matters, with how it went in the last minute. */
export function KeyFigure({ label, value, note, trend, tone = 'accent' }: KeyFigureProps) {
  return (
    <section className="key-figure" aria-label={label}>
      <p className="key-label">{label}</p>
      <p className={`key-value ${tone === 'bad' ? 'tone-bad' : ''}`}>{value}</p>
      <p className="key-note">{note ?? 'last minute'}</p>
      <Sparkline values={trend} tone={tone} />
    </section>
  );
}
