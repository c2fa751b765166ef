/**
 * Writes to the handle of a socket, past its stream machinery: measured at 5 to 8 % less CPU for a small request
 * (docs/decisions/0025-direct-writes.md). Handles are not in Node's documentation, and a call that a version does not know ends
 * the process, so this is for the versions only that it has been tested with; with others everything goes through the socket.
 */
import { getSystemErrorName } from 'node:util';

/** What the socket itself would say; whoever asks for the reason of a connection's end looks at `code`. */
class WriteError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall = 'write';

  constructor(errno: number) {
    const code = getSystemErrorName(errno);
    super(`write ${code}`);
    this.errno = errno;
    this.code = code;
  }
}

/** Under way: the operating system has not taken all of it. Node calls `oncomplete` once. */
interface PendingWrite {
  oncomplete: (this: PendingWrite, status: number) => void;
  /** Not null: it ended before `oncomplete` was there to be called. */
  writeStatus: number | null;
  /** Ours: whose write it is, and the bytes, which must stay until it has ended. */
  gatehouseWriter?: DirectWriter;
  gatehouseBytes?: Uint8Array;
}

/** What a write on a handle answers: 0 when the operating system has all of it, below 0 when it failed at once. */
type WriteResult = number | PendingWrite;

export interface WritableHandle {
  writeLatin1String(request: null, text: string): WriteResult;
  writeBuffer(request: null, bytes: Uint8Array): WriteResult;
}

/** Who writes. */
export interface DirectWriter {
  /** Called once for each write that was not done at once; within the write when it failed at once. */
  onWritten(error: Error | undefined): void;
}

export const writesDirectly = isKnownVersion(process.versions.node);

/** Latin1. True: the operating system has all of it. False: the writer hears of its end. */
export function writeText(handle: WritableHandle, text: string, writer: DirectWriter): boolean {
  const result = handle.writeLatin1String(null, text);
  return result === 0 || isDone(result, writer, undefined);
}

/** The same for bytes, which have to stay as they are until then. */
export function writeBytes(handle: WritableHandle, bytes: Uint8Array, writer: DirectWriter): boolean {
  const result = handle.writeBuffer(null, bytes);
  return result === 0 || isDone(result, writer, bytes);
}

/** Others want an object for the request that only Node itself can make, where 26.10 wants none. */
export function isKnownVersion(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major === 26 && minor >= 10;
}

function isDone(result: WriteResult, writer: DirectWriter, bytes: Uint8Array | undefined): boolean {
  const status = typeof result === 'number' ? result : result.writeStatus;
  if (status === 0) return true;
  if (typeof result !== 'number' && status === null) {
    result.gatehouseWriter = writer;
    if (bytes !== undefined) result.gatehouseBytes = bytes;
    result.oncomplete = onComplete;
  } else writer.onWritten(new WriteError(status!));
  return false;
}

function onComplete(this: PendingWrite, status: number): void {
  this.gatehouseWriter!.onWritten(status === 0 ? undefined : new WriteError(status));
}
