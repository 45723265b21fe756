import { RESOURCE_COUNT } from "../core/abi.js";

/** Bytes that the core's `statistics` writes a tile, and f32 words from one row to the next. */
export const STATISTICS_TILE_BYTES = 384;
const ROW_WORDS = 32;

/** One instance's statistics, four values each (cpu, memory, network, disk), NaN = never seen. */
export interface InstanceStatistics {
  /** max(2 h mean + 5 sigma, 24 h mean + 3 sigma) */
  readonly statistic: readonly number[];
  /** 2 h mean + 1 sigma */
  readonly middle: readonly number[];
  /** Largest value of the week up to the last sample. */
  readonly largest: readonly number[];
}

/**
 * Reads what the core's `statistics` wrote.
 *
 * @param floats view over the whole memory
 * @param ptr address of the tile's result
 */
export function readStatistics(
  floats: Float32Array,
  ptr: number,
  lane: number,
): InstanceStatistics {
  const row = (index: number): number[] => {
    const at = ptr / 4 + index * ROW_WORDS + lane * RESOURCE_COUNT;
    return [...floats.subarray(at, at + RESOURCE_COUNT)];
  };
  return { statistic: row(0), middle: row(1), largest: row(2) };
}
