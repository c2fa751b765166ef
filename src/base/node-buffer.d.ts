/** Methods that every Buffer of Node has and its type declarations leave out: slices to text without an encoding look-up. */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number): number;
  hexSlice(start?: number, end?: number): string;
}
