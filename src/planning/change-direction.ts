/** Which way a change of a policy's settings points: whether less passes than before, or more. */
import { covers, isAddressList } from './address-spans.ts';
import { type Difference, findDifferences, isPlainList } from './value-differences.ts';

/** `tighter`: less passes than before. `different`: nobody can tell. */
export type Direction = 'tighter' | 'looser' | 'different';

/** Settings that let more pass when they hold more, or are larger; where they are missing, nothing is held back. */
const looserWhenMore =
  /^(?:allow|groups|roles|consumers|origins|methods|audience|anyAudience|algorithms|anyOf|limit|burst|max\w*|leeway\w*|body|head|fields|windowBurst)$/;
/** And those that let less pass. */
const tighterWhenMore = /^(?:deny|allOf|covers|required|requireExpiry|window\w*)$/;
/** What becomes of requests that are not in order, wherever it is said. */
const lenient: readonly unknown[] = ['report', 'pass', 'allow'];
const strict: readonly unknown[] = ['enforce', 'check', 'refuse'];

/** All directions that its differences point to, each once; none where the same addresses are only written otherwise. */
export function findDirections(before: unknown, after: unknown): readonly Direction[] {
  const differences = findDifferences(before, after);
  const telling = differences.filter((difference) => !holdsSameAddresses(difference));
  if (differences.length > 0 && telling.length === 0) return [];
  const directions = new Set(telling.flatMap(toDirections));
  return directions.size === 0 ? ['different'] : [...directions];
}

function toDirections({ path, before, after }: Difference): readonly Direction[] {
  const name = path.filter((step) => typeof step === 'string').at(-1) ?? '';
  // A text beside numbers that says the same.
  if (name === 'name') return [];
  if (strict.includes(before) && lenient.includes(after)) return ['looser'];
  if (lenient.includes(before) && strict.includes(after)) return ['tighter'];
  // Without it, whoever shows nothing is refused.
  if (name === 'anonymous' && before === undefined) return ['looser'];
  if (name === 'anonymous' && after === undefined) return ['tighter'];
  const isLooserWhenMore = looserWhenMore.test(name);
  if (!isLooserWhenMore && !tighterWhenMore.test(name)) return ['different'];
  return findGrowths(before, after, isLooserWhenMore).map((growth) => {
    if (growth === 'unknown') return 'different';
    return (growth === 'more') === isLooserWhenMore ? 'looser' : 'tighter';
  });
}

type Growth = 'more' | 'less' | 'unknown';

/** `isOpenWhenMissing`: without such a setting, everything is allowed. */
function findGrowths(before: unknown, after: unknown, isOpenWhenMissing: boolean): readonly Growth[] {
  if (typeof before === 'number' && typeof after === 'number') return [after > before ? 'more' : 'less'];
  if (typeof before === 'boolean' || typeof after === 'boolean') return [after === true ? 'more' : 'less'];
  const isBound = (value: unknown) => isPlainList(value) || (isOpenWhenMissing && typeof value === 'number');
  if (before === undefined && isBound(after)) return [isOpenWhenMissing ? 'less' : 'more'];
  if (after === undefined && isBound(before)) return [isOpenWhenMissing ? 'more' : 'less'];
  if (!isPlainList(before) || !isPlainList(after)) return ['unknown'];
  const growths: Growth[] = [];
  if (!covers(before, after)) growths.push('more');
  if (!covers(after, before)) growths.push('less');
  return growths.length === 0 ? ['unknown'] : growths;
}

function holdsSameAddresses({ before, after }: Difference): boolean {
  if (!isPlainList(before) || !isPlainList(after) || !isAddressList(before) || !isAddressList(after)) return false;
  return covers(before, after) && covers(after, before);
}
