/** Configurations that have run, named by their hash: the latest last, as many as there is room for. In memory, and in a folder if one is named. */
import type { ConfigurationTraffic } from '#admin/configuration-administration.ts';
import { limits } from '#base/limits.ts';
import type { HistoryEntry, LineCounts } from './applied-configuration.ts';
import type { HistoryFolder } from './history-folder.ts';

export type NewEntry = Omit<HistoryEntry, 'lines' | 'traffic'>;

export class ConfigurationHistory {
  #entries: HistoryEntry[] = [];
  #keep = 1;
  #folder: HistoryFolder | undefined;

  /** The latest last. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** What is in another folder comes in addition to what is known. */
  async follow(keep: number, folder: HistoryFolder | undefined): Promise<void> {
    this.#keep = keep;
    if (folder?.path === this.#folder?.path) return;
    this.#folder = folder;
    if (folder === undefined) return;
    const known = new Set(this.#entries.map(({ hash }) => hash));
    const restored = (await folder.read()).filter(({ hash }) => !known.has(hash));
    for (const entry of this.#entries) await folder.write(entry);
    this.#entries = [...restored, ...this.#entries].sort((left, right) => left.appliedMs - right.appliedMs);
    await this.#trim();
  }

  /** What the latest has seen of traffic: another one takes its place, or the gateway stops. */
  async close(traffic: ConfigurationTraffic | undefined): Promise<void> {
    const latest = this.#entries.at(-1);
    if (latest === undefined || traffic === undefined) return;
    const closed = { ...latest, traffic };
    this.#entries = [...this.#entries.slice(0, -1), closed];
    await this.#folder?.write(closed);
  }

  /** A configuration that ran before is the latest again, with the text of now. It is among the entries at once. */
  async add(entry: NewEntry): Promise<void> {
    const others = this.#entries.filter(({ hash }) => hash !== entry.hash);
    const added = { ...entry, lines: countLines(others.at(-1)?.text ?? '', entry.text) };
    this.#entries = [...others, added];
    await this.#folder?.write(added);
    await this.#trim();
  }

  /** By its hash, or by the beginning of it where only one has it. */
  find(hash: string): HistoryEntry | undefined {
    const found = this.#entries.filter((entry) => entry.hash.startsWith(hash));
    return found.length === 1 ? found[0] : undefined;
  }

  /** The one that was applied before it. */
  findBefore(hash: string): HistoryEntry | undefined {
    const index = this.#entries.findIndex((entry) => entry.hash === hash);
    return this.#entries[index - 1];
  }

  /** The present one stays, however large it is. */
  async #trim(): Promise<void> {
    let keptBytes = 0;
    let kept = 0;
    for (const { text } of this.#entries.toReversed()) {
      keptBytes += Buffer.byteLength(text);
      if (kept >= this.#keep || (kept > 0 && keptBytes > limits.historyBytesMax)) break;
      kept += 1;
    }
    const gone = this.#entries.slice(0, -kept);
    this.#entries = this.#entries.slice(-kept);
    for (const { hash } of gone) await this.#folder?.remove(hash);
  }
}

/** Lines that only one of two texts has; one that has moved is the same line. */
function countLines(before: string, after: string): LineCounts {
  const counts = new Map<string, number>();
  for (const line of before === '' ? [] : before.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  let added = 0;
  for (const line of after.split('\n')) {
    const count = counts.get(line) ?? 0;
    if (count > 0) counts.set(line, count - 1);
    else added += 1;
  }
  let removed = 0;
  for (const count of counts.values()) removed += count;
  return { added, removed };
}
