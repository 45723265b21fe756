import type { TickReport } from "./profiler-options.js";
import type { TickSlices } from "./tick.js";
import { TickCrew } from "./tick-crew.js";
import type { Workers } from "./workers.js";

export interface TickRun {
  readonly slices: TickSlices;
  readonly workers: Workers;
  readonly tick: number;
  /** Tiles with news, ascending. */
  readonly tiles: Int32Array;
  /** Called before an error is thrown: `tiles` from this index on are as they were before. */
  readonly onFailed: (from: number) => void;
}

/**
 * All slices of one tick, placed and published in the order of their tiles. As many are under way as
 * there is room for: some are computed while another is published and the next one placed.
 *
 * @throws what a slice could not be finished for; the slices before it are published, it and those
 *   after it are not
 */
export async function runSlices(run: TickRun): Promise<TickReport> {
  const { slices, tick, tiles } = run;
  const total = { tick, sampleCount: 0, tileCount: 0, sliceCount: 0, repeatCount: 0 };
  if (tiles.length === 0) return total;
  slices.begin();
  const crew = new TickCrew({ ...run, tileCount: tiles.length });
  /** Index of the first tile of each slice under way. */
  const starts: number[] = [];
  try {
    for (let next = 0; ; ) {
      while (starts.length < slices.count && next < tiles.length) {
        starts.push(next);
        next = slices.place(tiles, next);
        crew.announce(next >= tiles.length);
      }
      const from = starts[0];
      if (from === undefined) break;
      await computed(run, crew, from);
      starts.shift();
      // Nobody sees the last slice before the tick is over.
      if (starts.length === 0 && next >= tiles.length) await crew.close();
      const { sampleCount, tileCount } = slices.publish();
      total.sampleCount += sampleCount;
      total.tileCount += tileCount;
      total.sliceCount += tileCount === 0 ? 0 : 1;
    }
  } finally {
    await crew.close();
  }
  total.repeatCount = crew.repeatCount;
  return total;
}

/** The oldest slice is done, or nothing of it and of those after it happened. */
async function computed(run: TickRun, crew: TickCrew, from: number): Promise<void> {
  const { slices, onFailed } = run;
  try {
    await crew.computed(slices.oldestPlace);
  } catch (cause) {
    slices.rollBack();
    onFailed(from);
    throw cause;
  }
}
