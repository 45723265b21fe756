import { TILE_LANES } from "../../core/abi.js";
import type { Cut } from "./cuts.js";
import type { Series } from "./series.js";

/** Samples this close together are taken in one round of a tile, seconds. */
const ROUND_SECONDS = 149;

/** How eight series are fed to one tile: which lanes have a sample in each round. */
export interface Rounds {
  /** One bit a lane. */
  readonly lanes: Uint8Array;
  /** Rounds that lie before each cut; all samples up to the cut and none after it. */
  readonly before: readonly number[];
}

/**
 * Aligns up to eight series in time. A lane has at most one sample a round, so the series must
 * have samples at least 150 s apart or they simply need more rounds.
 */
export function planRounds(series: readonly Series[], cuts: readonly Cut[]): Rounds {
  const next = series.map(() => 0);
  const total = series.reduce((sum, { times }) => sum + times.length, 0);
  const lanes = new Uint8Array(total + 1);
  const before: number[] = [];
  let count = 0;
  for (;;) {
    let earliest = Infinity;
    for (let lane = 0; lane < TILE_LANES; lane++) {
      earliest = Math.min(earliest, series[lane]?.times[next[lane] ?? 0] ?? Infinity);
    }
    while (before.length < cuts.length && (cuts[before.length]?.at ?? 0) < earliest) {
      before.push(count);
    }
    if (earliest === Infinity) break;
    const limit = Math.min(earliest + ROUND_SECONDS, cuts[before.length]?.at ?? Infinity);
    let bits = 0;
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const at = next[lane] ?? 0;
      if ((series[lane]?.times[at] ?? Infinity) <= limit) {
        bits |= 1 << lane;
        next[lane] = at + 1;
      }
    }
    lanes[count++] = bits;
  }
  return { lanes: lanes.slice(0, count), before };
}
