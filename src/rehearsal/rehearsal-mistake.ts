/** Whoever rehearses has asked for something that cannot be: the message says what, and what would be right. */
export class RehearsalMistake extends Error {
  override readonly name = 'RehearsalMistake';
}
