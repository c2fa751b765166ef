/** What the system knows about a running process: processor time and memory. Linux only, as /proc is. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** USER_HZ, the unit of times in /proc: the same on every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const UTIME = 11;
const STIME = 12;
const PARENT = 1;

/** Microseconds of processor time, user and system, of a process with its threads and of its children. */
export function readCpuUs(pid: number): number {
  const ticks = familyOf(pid).reduce((sum, member) => {
    const fields = readStat(member);
    return sum + Number(fields?.[UTIME] ?? 0) + Number(fields?.[STIME] ?? 0);
  }, 0);
  return (ticks * 1_000_000) / TICKS_PER_SECOND;
}

/** Bytes of resident memory of a process and its children. */
export function readFamilyRssBytes(pid: number): number {
  return familyOf(pid).reduce((sum, member) => sum + (readMemory(member)?.rssBytes ?? 0), 0);
}

/** Resident memory now and at its peak. `undefined` when the process is gone. */
export function readMemory(pid: number): { readonly rssBytes: number; readonly peakBytes: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
    return { rssBytes: read('VmRSS'), peakBytes: read('VmHWM') };
  } catch {
    return undefined;
  }
}

/** Lets the peak begin anew at what is resident now. Returns whether the system did so; otherwise only samples tell. */
export function resetPeak(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    const memory = readMemory(pid);
    return memory !== undefined && memory.peakBytes <= memory.rssBytes * 1.05;
  } catch {
    return false;
  }
}

function familyOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => Number(readStat(other)?.[PARENT]) === pid);
  return [pid, ...children];
}

/** The fields after the name, which may itself contain spaces and brackets. */
function readStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
