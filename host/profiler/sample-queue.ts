import {
  INBOX_CONNECTIONS,
  INBOX_CORE_PEAK,
  INBOX_CPU_PEAK,
  INBOX_FLAGS,
  INBOX_SINCE_LAUNCH,
  INBOX_TIME,
  INBOX_VALUES,
} from "../core/abi.js";
import type { BoundViews } from "../core/views.js";
import { LIMITS } from "../lib/limits.js";
import { busiestCore } from "../sources/busiest-core.js";
import type { Sample } from "../sources/sample.js";

/** Columns of a waiting sample. */
const VALUES = 8;
const NONE = -1;
const CAPACITY_FIRST = 1_024;

/**
 * Samples between `offer` and the end of the tick that takes them: a bounded first-in-first-out
 * list a slot, in columns, so that a waiting sample costs 52 bytes and no object.
 *
 * A sample stays here until its tick is published. A tick that fails or is repeated finds it again.
 */
export class SampleQueue {
  readonly #perSlotMax: number;
  readonly #totalMax: number;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #counts: Int32Array;
  #times = new Float64Array(CAPACITY_FIRST);
  #values = new Float32Array(CAPACITY_FIRST * VALUES);
  #flags = new Uint32Array(CAPACITY_FIRST);
  #next = new Int32Array(CAPACITY_FIRST);
  #free = NONE;
  #used = 0;
  #total = 0;

  /** @param totalMax entries over all slots; memory grows by doubling up to it */
  constructor(
    slotCount: number,
    totalMax: number,
    perSlotMax: number = LIMITS.pendingSamplesPerInstanceMax,
  ) {
    this.#perSlotMax = perSlotMax;
    this.#totalMax = totalMax;
    this.#heads = new Int32Array(slotCount).fill(NONE);
    this.#tails = new Int32Array(slotCount).fill(NONE);
    this.#counts = new Int32Array(slotCount);
  }

  get total(): number {
    return this.#total;
  }

  count(slot: number): number {
    return this.#counts[slot] ?? 0;
  }

  /** False when the slot's list or the whole queue is full; then nothing changed. */
  push(slot: number, sample: Sample, flags: number): boolean {
    if (this.count(slot) >= this.#perSlotMax || this.#total >= this.#totalMax) return false;
    const entry = this.#allocate();
    this.#times[entry] = sample.timeMs / 1_000;
    this.#flags[entry] = flags;
    this.#next[entry] = NONE;
    const values = this.#values;
    const at = entry * VALUES;
    values[at] = sample.cpuCores ?? Number.NaN;
    values[at + 1] = sample.memoryGiB ?? Number.NaN;
    values[at + 2] = sample.networkMbps ?? Number.NaN;
    values[at + 3] = sample.disk ?? Number.NaN;
    values[at + 4] = sample.cpuPeakCores ?? Number.NaN;
    values[at + 5] = busiestCore(sample.perCoreCores) ?? Number.NaN;
    values[at + 6] = sample.connections ?? Number.NaN;
    values[at + 7] = sample.sinceLaunchSeconds ?? Number.NaN;
    const tail = this.#tails[slot] ?? NONE;
    if (tail === NONE) this.#heads[slot] = entry;
    else this.#next[tail] = entry;
    this.#tails[slot] = entry;
    this.#counts[slot] = this.count(slot) + 1;
    this.#total++;
    return true;
  }

  /** First waiting entry of a slot, or -1. */
  head(slot: number): number {
    return this.#heads[slot] ?? NONE;
  }

  /** Last waiting entry of a slot, or -1. */
  tail(slot: number): number {
    return this.#tails[slot] ?? NONE;
  }

  /** The entry after this one, or -1. */
  next(entry: number): number {
    return this.#next[entry] ?? NONE;
  }

  timeSeconds(entry: number): number {
    return this.#times[entry] ?? 0;
  }

  flags(entry: number): number {
    return this.#flags[entry] ?? 0;
  }

  /** Copies the four resources' values of an entry, NaN = missing. */
  resourcesInto(entry: number, target: number[]): void {
    const at = entry * VALUES;
    for (let resource = 0; resource < 4; resource++) {
      target[resource] = this.#values[at + resource] ?? Number.NaN;
    }
  }

  /** Writes an entry into one lane of an inbox tile. The lane is pending from then on. */
  writeTo(entry: number, views: BoundViews, inboxPtr: number, lane: number): void {
    const { f32, f64, u32 } = views;
    const values = this.#values;
    const at = entry * VALUES;
    const word = (inboxPtr >>> 2) + lane;
    f64[(inboxPtr + INBOX_TIME) / 8 + lane] = this.timeSeconds(entry);
    const resources = (inboxPtr + INBOX_VALUES) / 4 + lane * 4;
    for (let resource = 0; resource < 4; resource++) {
      f32[resources + resource] = values[at + resource] ?? Number.NaN;
    }
    f32[word + INBOX_CPU_PEAK / 4] = values[at + 4] ?? Number.NaN;
    f32[word + INBOX_CORE_PEAK / 4] = values[at + 5] ?? Number.NaN;
    f32[word + INBOX_CONNECTIONS / 4] = values[at + 6] ?? Number.NaN;
    f32[word + INBOX_SINCE_LAUNCH / 4] = values[at + 7] ?? Number.NaN;
    u32[word + INBOX_FLAGS / 4] = this.flags(entry);
  }

  /** Drops the first `count` entries of a slot. */
  drop(slot: number, count: number): void {
    for (let left = count; left > 0; left--) {
      const entry = this.head(slot);
      if (entry === NONE) return;
      const next = this.next(entry);
      this.#heads[slot] = next;
      if (next === NONE) this.#tails[slot] = NONE;
      this.#counts[slot] = this.count(slot) - 1;
      this.#total--;
      this.#next[entry] = this.#free;
      this.#free = entry;
    }
  }

  #allocate(): number {
    const reused = this.#free;
    if (reused !== NONE) {
      this.#free = this.next(reused);
      return reused;
    }
    if (this.#used === this.#times.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    this.#times = copyInto(new Float64Array(capacity), this.#times);
    this.#values = copyInto(new Float32Array(capacity * VALUES), this.#values);
    this.#flags = copyInto(new Uint32Array(capacity), this.#flags);
    this.#next = copyInto(new Int32Array(capacity), this.#next);
  }
}

function copyInto<T extends Float64Array | Float32Array | Uint32Array | Int32Array>(
  target: T,
  source: T,
): T {
  target.set(source);
  return target;
}
