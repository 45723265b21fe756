import { LANE_ROW_BYTES, RESOURCE_COUNT, TILE_LANES } from "../../core/abi.js";

/** Statistics in the order in which the core's `usageHistory` writes them. */
const STATISTICS = [
  "last",
  "max1h",
  "max24h",
  "max7d",
  "p50",
  "p90",
  "p95",
  "p99",
  "sigma2h",
  "sigmaEwma",
  "sigma24h",
  "yesterday",
  "clockWeek",
] as const;

/** Bytes that the core's `usageHistory` writes a tile. */
export const HISTORY_TILE_BYTES = STATISTICS.length * RESOURCE_COUNT * LANE_ROW_BYTES;

/**
 * What one instance's history says, from the core's state: one value a resource (cpu, memory,
 * network, disk) in its unit, NaN = never seen. Means and variances are decayed with the window as
 * their time constant, quantiles halve in weight every 3 days, maxima go in whole clock slots. Ask
 * before the core computes the next one.
 */
export type UsageHistory = (statistic: Statistic) => readonly number[];
type Statistic = (typeof STATISTICS)[number];

const STATISTIC_WORDS = RESOURCE_COUNT * TILE_LANES;

/**
 * Reads what the core's `usageHistory` wrote.
 *
 * @param floats view over the whole memory
 * @param ptr address of the tile's result
 */
export function readUsageHistory(floats: Float32Array, ptr: number, lane: number): UsageHistory {
  return (statistic) => {
    const amounts: number[] = [];
    let word = ptr / 4 + STATISTICS.indexOf(statistic) * STATISTIC_WORDS + lane;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++, word += TILE_LANES) {
      amounts.push(floats[word] ?? Number.NaN);
    }
    return amounts;
  };
}
