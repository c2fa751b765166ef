/** What commands make of answers of the admin API. */
import { z } from 'zod';
import { type AdminAnswer, type AdminPlace, askAdmin } from './admin-place.ts';

const problem = z.object({ detail: z.string() });
const SHOWN_LENGTH_MAX = 200;

/** Nobody answered, or the answer is a refusal. */
export class AdminFailure extends Error {
  override readonly name = 'AdminFailure';
}

/** The body of an answer with one of these statuses. */
export async function readAdmin<Value>(
  place: AdminPlace,
  { method = 'GET', path, schema, statuses = [200] }: AdminQuestion<Value>,
): Promise<Value> {
  const answer = await askAdmin(place, method, path).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    throw new AdminFailure(`no gateway answers at ${place.origin}: ${reason}`);
  });
  const body = parse(answer);
  if (!statuses.includes(answer.status)) {
    throw new AdminFailure(`the gateway refuses (${answer.status}): ${readProblem(answer)}`);
  }
  const read = schema.safeParse(body);
  if (!read.success) throw new AdminFailure(`what answers at ${place.origin} is no gateway of this version`);
  return read.data;
}

/** Why it refuses. */
export function readProblem(answer: AdminAnswer): string {
  const read = problem.safeParse(parse(answer));
  return read.success ? read.data.detail : answer.text.slice(0, SHOWN_LENGTH_MAX);
}

export interface AdminQuestion<Value> {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly schema: z.ZodType<Value>;
  readonly statuses?: readonly number[];
}

function parse({ text }: AdminAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever has answered is no gateway.
    return undefined;
  }
}
