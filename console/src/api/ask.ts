/** One request to the admin API. */
import type { ConfigurationIssue } from './answers.ts';
import { session } from './session.ts';

/** Why the API did not do what was asked. */
export class ApiProblem extends Error {
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The JSON of the answer. Refusals are thrown as `ApiProblem`; a wrong token also ends the session. */
export async function ask<Answer>(path: string, asked: Asked = {}): Promise<Answer> {
  const response = await open(path, asked);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}

/** The answer with its body still to come. */
export async function open(path: string, { method = 'GET', body, signal }: Asked = {}): Promise<Response> {
  const { token } = session;
  const headers: Record<string, string> = {};
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const response = await send(path, {
    method,
    headers,
    cache: 'no-store',
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  if (response.ok) return response;
  const problem = await toProblem(response);
  if (problem.status === 401) session.refuse(token);
  if (problem.code === 'GH_ADMIN_TOKEN_NEEDED' || problem.code === 'GH_ADMIN_FOREIGN_HOST') session.close(problem.message);
  throw problem;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiProblem(0, 'NO_ANSWER', 'The gateway does not answer.');
  }
}

async function toProblem(response: Response): Promise<ApiProblem> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  try {
    const { code, detail, issues } = JSON.parse(text) as { code?: unknown; detail?: unknown; issues?: unknown };
    if (typeof detail === 'string') return new ApiProblem(status, typeof code === 'string' ? code : '', detail);
    // A configuration that was refused is answered with all that is wrong with it.
    if (Array.isArray(issues)) return new ApiProblem(status, '', issues.map(toIssueText).join(' '));
  } catch {
    // Not a problem document: the status is all that is known.
  }
  return new ApiProblem(status, '', `The gateway answered with status ${status}.`);
}

function toIssueText(issue: ConfigurationIssue): string {
  return issue.line === undefined ? issue.message : `Line ${issue.line}: ${issue.message}`;
}

/** A part of a path: a name may hold anything. */
export function part(name: string): string {
  return encodeURIComponent(name);
}
