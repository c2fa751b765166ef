/** Commands as a Redis server reads them: an array of bulk strings (RESP2). */

export type CommandPart = string | Buffer;

/** The command in pieces, to be written one behind the other. */
export function encodeCommand(parts: readonly CommandPart[]): CommandPart[] {
  const pieces: CommandPart[] = [];
  let text = `*${parts.length}\r\n`;
  for (const part of parts) {
    if (typeof part === 'string') {
      text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
      continue;
    }
    pieces.push(`${text}$${part.length}\r\n`, part);
    text = '\r\n';
  }
  pieces.push(text);
  return pieces;
}
