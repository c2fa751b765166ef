/** Which content codings a client takes: `Accept-Encoding` (RFC 9110 §12.5.3). Whoever sends it chooses each byte. */

const WEIGHT = /^q[ \t]*=[ \t]*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/i;
const LISTED_MAX = 64;

/**
 * The coding of those offered that the client likes best; among equals, the one that is offered first. `undefined`: none of them, or the
 * plain form is liked better. A client that says nothing is sent the plain form.
 */
export function chooseCoding(accepted: string, offered: readonly string[]): string | undefined {
  const weights = readWeights(accepted);
  const others = weights.get('*');
  // Plain unless it is said otherwise, but never preferred to what a client names.
  let best = weights.get('identity') ?? 0;
  let chosen: string | undefined;
  for (const coding of offered) {
    const weight = weights.get(coding) ?? weights.get(`x-${coding}`) ?? others ?? 0;
    if (weight > best || (weight === best && weight > 0 && chosen === undefined)) {
      best = weight;
      chosen = coding;
    }
  }
  return chosen;
}

function readWeights(accepted: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const element of accepted.split(',', LISTED_MAX)) {
    const [name = '', ...parameters] = element.split(';');
    const coding = name.trim().toLowerCase();
    if (coding === '') continue;
    const weight = readWeight(parameters);
    // Nobody knows what was meant, so it is not taken for a yes.
    weights.set(coding, weight ?? 0);
  }
  return weights;
}

function readWeight(parameters: readonly string[]): number | undefined {
  if (parameters.length === 0) return 1;
  const weight = WEIGHT.exec(parameters[0]!.trim())?.[1];
  return weight === undefined || parameters.length > 1 ? undefined : Number(weight);
}
