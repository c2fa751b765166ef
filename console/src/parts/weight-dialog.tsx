import { useState } from 'react';
import type { Endpoint } from '../api/answers.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';

const WEIGHT_MAX = 1000;

interface WeightDialogProps {
  readonly endpoint: Endpoint;
  /** `null`: what the configuration or the source says. */
  onChoose(weight: number | null): Promise<void>;
  onClose(): void;
}

/** Asks for the weight of an endpoint. */
export function WeightDialog({ endpoint, onChoose, onClose }: WeightDialogProps) {
  const [text, setText] = useState(String(endpoint.weight));
  return (
    <ConfirmDialog
      title="Weight of this endpoint"
      action="Set weight"
      onClose={onClose}
      onConfirm={async () => {
        const weight = text.trim() === '' ? null : Number(text);
        if (weight !== null && !(Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX))
          throw new RangeError(`A whole number from 0 to ${WEIGHT_MAX}, or nothing.`);
        await onChoose(weight);
      }}
    >
      <p>
        <code className="breaking">{endpoint.url}</code>
      </p>
      <div className="field">
        <label htmlFor="weight">Weight from 0 (no requests) to {WEIGHT_MAX}; empty for what the configuration says</label>
        <input id="weight" inputMode="numeric" value={text} onChange={({ target }) => setText(target.value)} />
      </div>
    </ConfirmDialog>
  );
}
