import { CopyButton } from './copy-button.tsx';

interface CodeBlockProps {
  readonly text: string;
  readonly label: string;
  readonly hasLineNumbers?: boolean;
}

/** A text as it is. Long ones scroll, by keyboard too. */
export function CodeBlock({ text, label, hasLineNumbers = false }: CodeBlockProps) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <div className="code">
      <div className="code-actions">
        <CopyButton text={text} label="Copy" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="code-scroll" aria-label={label} tabIndex={0}>
        {hasLineNumbers && <pre aria-hidden="true">{lines.map((_, index) => index + 1).join('\n')}</pre>}
        <pre>{lines.join('\n')}</pre>
      </section>
    </div>
  );
}
