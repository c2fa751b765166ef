import { useState } from 'react';
import { session } from '../api/session.ts';
import markUrl from '../mark.svg';

/** Asks for the token of the admin API. */
export function SignIn({ wasRefused }: { readonly wasRefused: boolean }) {
  const [token, setToken] = useState('');
  return (
    <main className="alone">
      <form
        className="sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() !== '') session.signIn(token.trim());
        }}
      >
        <img src={markUrl} alt="" width="36" height="36" />
        <h1>Sign in to Gatehouse</h1>
        <p>The admin API of this gateway asks for a token. It is kept in this tab, and gone when you close it.</p>
        {wasRefused && (
          <div className="notice notice-bad" role="alert">
            The gateway does not know this token.
          </div>
        )}
        <label htmlFor="token">Token</label>
        <input
          id="token"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          required
          // biome-ignore lint/a11y/noAutofocus: the only field of a page that has nothing else
          autoFocus
          value={token}
          onChange={({ target }) => setToken(target.value)}
        />
        <button type="submit" className="button button-primary">
          Sign in
        </button>
        <p className="quiet">
          The configuration names it under <code>admin</code>.
        </p>
      </form>
    </main>
  );
}
