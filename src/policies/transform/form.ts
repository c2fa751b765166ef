/** Forms (`application/x-www-form-urlencoded`, URL standard §5) as JSON and the other way round. */
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { BodyFault } from './body-fault.ts';

/** Far more than a form of people has. */
const PAIRS_MAX = 10_000;
const DEPTH_MAX = 8;

/** Names that come more than once have a list of values. All values are texts. */
export function formToJson(bytes: Buffer): Buffer | BodyFault {
  const valuesByName = new Map<string, string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(bytes.toString('utf8'))) {
    count += 1;
    if (count > PAIRS_MAX) return { fault: `it has more than ${PAIRS_MAX} fields` };
    const values = valuesByName.get(name);
    if (values === undefined) valuesByName.set(name, [value]);
    else values.push(value);
  }
  const members = [...valuesByName].map(
    ([name, values]) => `${JSON.stringify(name)}:${JSON.stringify(values.length === 1 ? values[0] : values)}`,
  );
  return Buffer.from(`{${members.join(',')}}`);
}

/** Lists repeat their name, objects in objects put theirs into brackets, null is empty. */
export function valueToForm(value: MappingValue, lengthMax: number): Buffer | BodyFault {
  const members = value.members();
  if (members === undefined) return { fault: 'only an object can become a form' };
  const form: ComingForm = { pairs: [], lengthLeft: lengthMax };
  for (const { name, value: member } of members) {
    const fault = collectPairs(member, { name: name.text, depth: 0 }, form);
    if (fault !== undefined) return fault;
  }
  return Buffer.from(new URLSearchParams(form.pairs).toString());
}

/** A mapping can put one long text into it many times. */
interface ComingForm {
  readonly pairs: [string, string][];
  lengthLeft: number;
}

function collectPairs(
  value: MappingValue,
  { name, depth }: { readonly name: string; readonly depth: number },
  form: ComingForm,
): BodyFault | undefined {
  if (depth === DEPTH_MAX) return { fault: 'it is nested too deeply for a form' };
  if (form.pairs.length > PAIRS_MAX) return { fault: `it has more than ${PAIRS_MAX} fields` };
  const members = value.members();
  const inner =
    members?.map((member) => [`${name}[${member.name.text}]`, member.value] as const) ??
    value.items()?.map((item) => [name, item] as const);
  if (inner === undefined) {
    const text = value.kind === 'null' ? '' : value.text;
    form.lengthLeft -= name.length + text.length;
    if (form.lengthLeft < 0) return { fault: 'it is too long for a form' };
    form.pairs.push([name, text]);
    return undefined;
  }
  for (const [innerName, item] of inner) {
    const fault = collectPairs(item, { name: innerName, depth: depth + 1 }, form);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
