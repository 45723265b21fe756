import { readBitbrains } from "../sources/bitbrains/bitbrains-source.js";
import type { BitbrainsRow } from "../sources/bitbrains/row.js";

/** Reads one VM's rows as the clock passes them; holds one chunk of its file at a time. */
export class TraceCursor {
  readonly instanceId: string;
  readonly #source: ReturnType<typeof readBitbrains>;
  readonly #batches: AsyncGenerator<readonly BitbrainsRow[]>;
  #batch: readonly BitbrainsRow[] = [];
  #next = 0;
  #done = false;

  /** @param afterMs rows up to this time are passed over */
  constructor(instanceId: string, file: string, afterMs: number) {
    this.instanceId = instanceId;
    this.#source = readBitbrains(file, { instanceId, afterMs });
    this.#batches = this.#source.rows();
  }

  /** Bad samples so far, by reason. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#source.dropped;
  }

  /** Rows up to and with this time that were not taken before. @throws ERR_TRACE_FORMAT */
  async take(untilMs: number): Promise<readonly BitbrainsRow[]> {
    const taken: BitbrainsRow[] = [];
    for (;;) {
      while (this.#next < this.#batch.length) {
        const row = this.#batch[this.#next];
        if (row === undefined || row.timeMs > untilMs) return taken;
        taken.push(row);
        this.#next++;
      }
      if (this.#done) return taken;
      const { value, done } = await this.#batches.next();
      this.#done = done === true;
      this.#batch = value ?? [];
      this.#next = 0;
    }
  }

  /** True when `take` would return nothing, without asking the file. */
  isAhead(untilMs: number): boolean {
    const row = this.#batch[this.#next];
    return row === undefined ? this.#done : row.timeMs > untilMs;
  }

  async close(): Promise<void> {
    this.#done = true;
    this.#batch = [];
    await this.#batches.return(undefined);
  }
}

/** The four resources of a row; NaN where it has none. */
export function usageOf(row: BitbrainsRow): [number, number, number, number] {
  return [row.cpuCores, row.memoryGiB, row.networkMbps, row.diskMBps];
}
