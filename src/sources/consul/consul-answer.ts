/** What Consul answers to `/v1/health/service/NAME`, as far as it is used here. What it says is not taken on trust. */
import { z } from 'zod';
import { type EndpointScheme, readEndpointUrl } from '#schema/endpoint-url.ts';
import type { EndpointTarget } from '#services/endpoint-source.ts';

const weight = z.int().min(0).max(65_535);

const instances = z.array(
  z.object({
    Node: z.object({ Address: z.string() }),
    Service: z.object({
      Address: z.string().optional(),
      Port: z.int(),
      Weights: z.object({ Passing: weight, Warning: weight }).nullish(),
    }),
    Checks: z.array(z.object({ Status: z.string() })).nullish(),
  }),
);

type Instance = z.output<typeof instances>[number];

/** `undefined`: this is no such answer. Instances that fail are not among the endpoints, nor are those without a port. */
export function readConsulAnswer(text: string, scheme: EndpointScheme): EndpointTarget[] | undefined {
  const reading = instances.safeParse(readJson(text));
  return reading.success ? reading.data.flatMap((instance) => toEndpoint(instance, scheme)) : undefined;
}

function toEndpoint({ Node, Service, Checks }: Instance, scheme: EndpointScheme): EndpointTarget[] {
  const statuses = (Checks ?? []).map(({ Status }) => Status);
  if (statuses.some((status) => status !== 'passing' && status !== 'warning')) return [];
  // Consul leaves the address out where it is that of the node.
  const host = Service.Address === undefined || Service.Address === '' ? Node.Address : Service.Address;
  const url = readEndpointUrl(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${Service.Port}`);
  if ('problem' in url) return [];
  const weights = Service.Weights ?? { Passing: 1, Warning: 1 };
  return [{ url: url.value, weight: statuses.includes('warning') ? weights.Warning : weights.Passing }];
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A page of a proxy, say.
    return undefined;
  }
}
