const BATCH_NUMBERS = 256;
const NUMBERS = 2 ** 32;

/** Numbers of at least 0 and below 1, drawn from the system many at a time. For chances, such as one request in a hundred. */
export function createChanceSource(): () => number {
  const batch = new Uint32Array(BATCH_NUMBERS);
  let used = BATCH_NUMBERS;
  return () => {
    if (used === BATCH_NUMBERS) {
      crypto.getRandomValues(batch);
      used = 0;
    }
    return batch[used++]! / NUMBERS;
  };
}
