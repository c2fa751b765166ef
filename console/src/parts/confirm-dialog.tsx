/** Asks before something is changed, does it, and says what went wrong. */
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';

interface ConfirmDialogProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  readonly isDangerous?: boolean;
  onConfirm(): Promise<void>;
  onClose(): void;
}

export function ConfirmDialog({ title, children, action, isDangerous = false, onConfirm, onClose }: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const id = useId();
  // The browser keeps the focus inside, and gives it back to where it was.
  useEffect(() => dialog.current?.showModal(), []);
  const confirm = async () => {
    setIsBusy(true);
    setProblem(undefined);
    try {
      await onConfirm();
      dialog.current?.close();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'It did not work.');
      setIsBusy(false);
    }
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={onClose}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) void confirm();
        }}
      >
        <h2 id={id}>{title}</h2>
        <div className="dialog-text">{children}</div>
        {problem !== undefined && (
          <div className="notice notice-bad" role="alert">
            {problem}
          </div>
        )}
        <div className="dialog-actions">
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" className={`button ${isDangerous ? 'button-danger' : 'button-primary'}`} aria-disabled={isBusy}>
            {isBusy ? 'Working…' : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
