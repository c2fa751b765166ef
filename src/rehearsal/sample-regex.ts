/** A text that a regular expression matches, for those that people write into configurations. Whether it does is looked at afterwards. */
export function sampleRegex(source: string): string {
  // What repeats is there once, and a class is its first character.
  return source
    .replaceAll(/\(\?<[^>]+>|\(\?:|[()^$]/g, '')
    .replaceAll(/\|[^/]*/g, '')
    .replaceAll(/\[\^[^\]]*\]/g, 'x')
    .replaceAll(/\[(.)[^\]]*\]/g, '$1')
    .replaceAll('\\d', '1')
    .replaceAll('\\w', 'x')
    .replaceAll('.*', 'x')
    .replaceAll(/(.)\{(\d+)(?:,\d*)?\}/g, (_, char: string, count: string) => char.repeat(Math.min(Number(count), 64)))
    .replaceAll(/[+*?]/g, '')
    .replaceAll(/(?<!\\)\./g, 'x')
    .replaceAll(/\\(.)/g, '$1');
}
