/** Fields of forms with their labels. */
import { type ReactNode, useId } from 'react';

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  onChange(value: string): void;
  readonly placeholder?: string;
  readonly isMono?: boolean;
  readonly isRequired?: boolean;
  readonly className?: string;
}

export function TextField(props: TextFieldProps) {
  const { label, value, onChange, placeholder, isMono = false, isRequired = false, className = '' } = props;
  const id = useId();
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className={isMono ? 'mono' : ''}
        value={value}
        placeholder={placeholder}
        required={isRequired}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        onChange={({ target }) => onChange(target.value)}
      />
    </div>
  );
}

interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  onChange(value: string): void;
}

export function SearchField({ label, value, placeholder, onChange }: SearchFieldProps) {
  return (
    <input
      type="search"
      className="search"
      aria-label={label}
      value={value}
      placeholder={placeholder}
      spellCheck={false}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

interface TextAreaProps {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly placeholder?: string;
  onChange(value: string): void;
}

export function TextArea({ label, value, rows, placeholder, onChange }: TextAreaProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        className="mono"
        rows={rows}
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoCapitalize="off"
        onChange={({ target }) => onChange(target.value)}
      />
    </div>
  );
}

interface SelectFieldProps {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly (readonly [value: string, text: string])[];
  onChange(value: string): void;
}

export function SelectField({ label, value, choices, onChange }: SelectFieldProps): ReactNode {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={({ target }) => onChange(target.value)}>
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
