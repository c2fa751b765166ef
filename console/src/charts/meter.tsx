/** How full something is, as a bar with its number. */
import { formatPercent } from '../formats.ts';

interface MeterProps {
  readonly label: string;
  /** 0 to 1. */
  readonly share: number;
  readonly text?: string;
}

export function Meter({ label, share, text = formatPercent(share) }: MeterProps) {
  const bounded = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0));
  const tone = bounded >= 0.9 ? 'bad' : bounded >= 0.7 ? 'warn' : 'accent';
  return (
    <div className={`meter tone-${tone}`}>
      <meter className="unseen" aria-label={label} value={bounded}>
        {text}
      </meter>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect className="meter-ground" width="100" height="4" />
        <rect className="meter-level" width={bounded * 100} height="4" />
      </svg>
      <span>{text}</span>
    </div>
  );
}
