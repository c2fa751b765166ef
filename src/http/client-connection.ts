import type { ClientFacts } from './client-facts.ts';

/** What the owner of a client connection knows of it, whatever version of HTTP it speaks. */
export interface ClientConnection {
  readonly facts: ClientFacts;
  /** Finishes what runs and takes nothing new, then closes; an idle connection closes now. */
  drain(): void;
  /** Ends the connection whatever it does. */
  close(): void;
}
