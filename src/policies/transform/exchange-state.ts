import { defineSlot } from '#http/exchange.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';

/** What is known of one exchange from phase to phase. */
export class TransformState {
  /** The JSON body of the request as the client sent it, where something refers to it. */
  body: MappingValue | undefined = undefined;
  /** Values of parameters and cookies, in the order of the settings. */
  parameters: readonly string[] = nothing;
  cookies: readonly string[] = nothing;
  isBodyChanged = false;
  /** Of the changed body, where it has become another one. */
  contentType: string | undefined = undefined;
  /** How the service was asked last. */
  serviceAuthority = '';
  servicePath = '';
  /** Of the answer, before it is given another one. */
  status = 0;
}

export const transformSlot = defineSlot<TransformState>('transform');

const nothing: readonly string[] = Object.freeze([]);
