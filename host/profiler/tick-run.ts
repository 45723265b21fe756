import type { TickReport } from "./profiler-options.js";
import type { TickSlices } from "./tick.js";

export interface TickRun {
  readonly slices: TickSlices;
  readonly tick: number;
  /** Tiles with news, ascending. */
  readonly tiles: Int32Array;
  /** Called before an error is thrown: `tiles` from this index on are as they were before. */
  readonly onFailed: (from: number) => void;
}

interface UnderWay {
  readonly slice: number;
  /** Index of its first tile. */
  readonly from: number;
  readonly outcome: Promise<Outcome>;
}

/** Repeats that lost tasks made necessary, or why the slice could not be finished. */
type Outcome = { readonly repeats: number } | { readonly cause: unknown };

/**
 * All slices of one tick, placed and published in the order of their tiles. As many are under way as
 * there is room for: one is computed while another is published and the next one placed.
 *
 * @throws what a slice could not be finished for; the slices before it are published, it and those
 *   after it are not
 */
export async function runSlices(run: TickRun): Promise<TickReport> {
  const { slices, tick, tiles, onFailed } = run;
  const total = { tick, sampleCount: 0, tileCount: 0, sliceCount: 0, repeatCount: 0 };
  const underWay: UnderWay[] = [];
  for (let [next, slice] = [0, 0]; ; ) {
    while (underWay.length < slices.count && next < tiles.length) {
      const from = next;
      next = slices.place(slice, tiles, from);
      underWay.push({ slice, from, outcome: compute(slices, slice, tick) });
      slice = (slice + 1) % slices.count;
    }
    const oldest = underWay.shift();
    if (oldest === undefined) return total;
    const outcome = await oldest.outcome;
    if ("cause" in outcome) {
      await discard(slices, underWay);
      onFailed(oldest.from);
      throw outcome.cause;
    }
    const report = slices.publish(oldest.slice, outcome.repeats);
    total.sampleCount += report.sampleCount;
    total.tileCount += report.tileCount;
    total.repeatCount += report.repeatCount;
    total.sliceCount += report.tileCount === 0 ? 0 : 1;
  }
}

/** A slice that fails is heard of when its turn comes, not before. */
async function compute(slices: TickSlices, slice: number, tick: number): Promise<Outcome> {
  try {
    return { repeats: await slices.compute(slice, tick) };
  } catch (cause) {
    return { cause };
  }
}

/** What was computed after a slice that failed did not happen; one that failed too put itself back. */
async function discard(slices: TickSlices, underWay: readonly UnderWay[]): Promise<void> {
  for (const { slice, outcome } of underWay) {
    if ("repeats" in (await outcome)) slices.rollBack(slice);
  }
}
