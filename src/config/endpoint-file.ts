/** The list of endpoints that a file of its own holds, in the forms of `endpoints`. */
import { z } from 'zod';
import type { EndpointTarget } from '#services/endpoint-source.ts';
import { readDocument } from './document.ts';
import { type Finding, type Issue, sortIssues } from './issue.ts';
import { endpointSchema } from './service-schema.ts';
import { isHttpScheme } from './services/service-schemes.ts';
import { readBySchema } from './validation.ts';

export interface EndpointListReading {
  /** Only when there are no issues. */
  readonly endpoints: readonly EndpointTarget[] | undefined;
  readonly issues: readonly Issue[];
}

const listSchema = z.array(endpointSchema);

export function readEndpointList(file: string, text: string): EndpointListReading {
  const document = readDocument(file, text);
  const { value, findings } = document.issues.length > 0 ? nothing : readList(document.value);
  const issues = sortIssues([...document.issues, ...findings.map((finding) => document.toIssue(finding))]);
  return { endpoints: issues.length === 0 ? value : undefined, issues };
}

interface ListReading {
  readonly value: readonly EndpointTarget[] | undefined;
  readonly findings: readonly Finding[];
}

const nothing: ListReading = { value: undefined, findings: [] };

function readList(value: unknown): ListReading {
  // A file that is being written begins empty.
  if (value === null || value === undefined)
    return {
      value: undefined,
      findings: [{ path: [], code: 'missing', message: 'the file is empty; write `[]` for no endpoints' }],
    };
  const reading = readBySchema(listSchema, value);
  const [first] = reading.value ?? [];
  const position = reading.value?.findIndex(({ url }) => isHttpScheme(url.scheme) !== isHttpScheme(first!.url.scheme)) ?? -1;
  if (position < 0) return reading;
  const message = 'some endpoints speak HTTP and some take bytes; a service needs endpoints of one kind';
  return { value: undefined, findings: [{ path: [position], code: 'conflict', message }] };
}
