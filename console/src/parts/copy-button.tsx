import { useState } from 'react';

/** Puts a text on the clipboard, where the browser lets it: not on a plain connection to another machine. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [isCopied, setIsCopied] = useState(false);
  if (navigator.clipboard === undefined) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 1500);
  };
  return (
    <button type="button" className="button button-small" onClick={() => void copy().catch(() => setIsCopied(false))}>
      {isCopied ? 'Copied' : label}
    </button>
  );
}
