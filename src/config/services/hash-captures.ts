/** `balance: { hash: { by: path.NAME } }` has no effect when no route captures that name. Works on what the user wrote. */
import { isMap, isText } from '#schema/forms.ts';
import { suggestWord } from '#schema/suggest.ts';
import type { Finding } from '../issue.ts';
import { readHashKeyName } from './balancing-schema.ts';

/** `listCaptures`: what the paths of all routes capture; `undefined` when one of them is wrong, so that it is not known. */
export function findMissingHashCaptures(services: unknown, listCaptures: () => ReadonlySet<string> | undefined): Finding[] {
  const uses = Object.entries(isMap(services) ? services : {}).flatMap(([service, settings]) => {
    const name = readHashedCapture(settings);
    return name === undefined ? [] : [{ service, name }];
  });
  const captured = uses.length === 0 ? undefined : listCaptures();
  if (captured === undefined) return [];
  return uses.flatMap(({ service, name }): Finding[] => {
    if (captured.has(name)) return [];
    const suggestion = suggestWord(name, captured);
    const ending = suggestion === undefined ? '' : `; did you mean \`path.${suggestion}\`?`;
    const message = `\`path.${name}\`: no route captures \`${name}\` in its path, such as \`/orders/:${name}\`${ending}`;
    return [{ path: ['services', service, 'balance', 'hash', 'by'], code: 'unknown-name', message }];
  });
}

function readHashedCapture(service: unknown): string | undefined {
  const balance = isMap(service) ? service['balance'] : undefined;
  const hash = isMap(balance) ? balance['hash'] : undefined;
  const by = isMap(hash) ? hash['by'] : undefined;
  const reading = isText(by) ? readHashKeyName(by) : undefined;
  if (reading === undefined || 'problem' in reading) return undefined;
  return reading.value.kind === 'path' ? reading.value.name : undefined;
}
