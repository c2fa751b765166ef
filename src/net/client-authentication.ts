/** How the gateway proves to an issuer who it is, by a secret that both know (RFC 6749 §2.3.1). */
import type { Secret } from '#base/secret.ts';

interface ClientProof {
  readonly clientId: string;
  readonly secret: Secret;
  /** In the field `authorization`, or in the form. */
  readonly way: 'basic' | 'post';
}

/** Adds the proof to a form that is about to be sent, and returns the fields that go with it. */
export function addClientProof(form: URLSearchParams, { clientId, secret, way }: ClientProof): Readonly<Record<string, string>> {
  if (way === 'basic') return { authorization: toBasic(clientId, secret.reveal()) };
  form.set('client_id', clientId);
  form.set('client_secret', secret.reveal());
  return {};
}

/** Both are encoded as in a form before they are joined. */
function toBasic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeForm(id)}:${encodeForm(secret)}`).toString('base64')}`;
}

function encodeForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
