/** What is kept holds no other memory than its own: neither that of a socket, nor a slice of what others use too. */

export function toOwnMemory(view: Buffer): Buffer {
  return joinPieces([view], view.length);
}

export function joinPieces(pieces: readonly Buffer[], bytes: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const piece of pieces) at += piece.copy(whole, at);
  return whole;
}
