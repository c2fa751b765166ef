/** What the role of whoever looks allows, and buttons that know it. */
import { createContext, type ReactNode, useContext, useId } from 'react';
import type { Role } from '../api/answers.ts';

const roles: readonly Role[] = ['read', 'operate', 'admin'];

/** Until it is known, nothing may be changed. */
export const RoleContext = createContext<Role>('read');

function useMay(needed: Role): boolean {
  return roles.indexOf(useContext(RoleContext)) >= roles.indexOf(needed);
}

interface ActionButtonProps {
  readonly needs: Role;
  readonly kind?: 'plain' | 'primary' | 'danger';
  readonly isSmall?: boolean;
  readonly type?: 'button' | 'submit';
  readonly isBusy?: boolean;
  readonly label?: string;
  /** Why it may not be used now, whoever asks. */
  readonly reason?: string;
  onClick?(): void;
  readonly children: ReactNode;
}

/** Stays reachable by keyboard when it may not be used, so that the reason can be read. */
export function ActionButton(props: ActionButtonProps) {
  const { needs, kind = 'plain', isSmall = false, type = 'button', isBusy = false, label, onClick, children } = props;
  const hasRole = useMay(needs);
  const may = hasRole && props.reason === undefined;
  const role = useContext(RoleContext);
  const id = useId();
  const reason = hasRole ? props.reason : `Needs the role ${needs}; yours is ${role}.`;
  return (
    <>
      <button
        type={type}
        className={`button ${kind === 'plain' ? '' : `button-${kind}`} ${isSmall ? 'button-small' : ''}`}
        aria-disabled={!may || isBusy}
        title={reason}
        {...(label !== undefined && { 'aria-label': label })}
        {...(!may && { 'aria-describedby': id })}
        onClick={(event) => {
          if (!may || isBusy) event.preventDefault();
          else onClick?.();
        }}
      >
        {children}
      </button>
      {!may && (
        <span id={id} className="unseen">
          {reason}
        </span>
      )}
    </>
  );
}
