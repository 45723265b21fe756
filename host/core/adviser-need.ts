/** What an instance would need, from the core's answers or from its limits, without allocation. */
import {
  NEED_COLUMNS,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
  TILE_CAP,
  TILE_COUNT,
  TILE_LANES,
  TILE_TOTAL,
} from "./abi.js";
import type { AnswerParts } from "./answers.js";
import { tilePtr } from "./tile-lanes.js";
import type { BoundViews } from "./views.js";

/** Samples, in this incarnation or in the earlier ones together, that make an instance known. */
export const KNOWN_SAMPLES_MIN = 12;

/** Which quantile a need takes: .95, and .99 for memory, which cannot be lent. */
const NEED_QUANTILE = [2, 3, 2, 2] as const;

/** What the core's `statistics` writes a tile; its third resource row is the week's largest. */
const STATISTICS_TILE_BYTES = 384;
const STATISTICS_LARGEST = 256;

/** @param state address of the tile */
export function isKnown({ u32 }: BoundViews, state: number, lane: number): boolean {
  const count = u32[(state + TILE_COUNT) / 4 + lane] ?? 0;
  const total = u32[(state + TILE_TOTAL) / 4 + lane] ?? 0;
  return count >= KNOWN_SAMPLES_MIN || total - count >= KNOWN_SAMPLES_MIN;
}

/**
 * Writes 12 amounts, resource x phase.
 *
 * @param word index of the instance's first envelope row in `f32`
 * @returns false when the net's answer is not a number from 0
 */
export function needFromNet({ f32 }: BoundViews, word: number, need: Float64Array): boolean {
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const quantile = NEED_QUANTILE[Math.trunc(column / PHASE_COUNT)] ?? 0;
    const value = f32[word + (column * QUANTILE_COUNT + quantile) * TILE_LANES] ?? Number.NaN;
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return false;
    need[column] = value;
  }
  return true;
}

/** The limit, else the largest value of the week. @returns false when a resource has neither */
export function needFromLimits(
  { kernel, plan, scratch }: AnswerParts,
  { f32 }: BoundViews,
  slot: number,
  need: Float64Array,
): boolean {
  const state = tilePtr(plan, slot >>> 3);
  const out = scratch + plan.scratchPlan.features;
  kernel.statistics(state, plan.tileBytes, out, STATISTICS_TILE_BYTES, 1);
  const lane = (slot & 7) * RESOURCE_COUNT;
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const cap = f32[(state + TILE_CAP) / 4 + lane + resource] ?? Number.NaN;
    const seen = f32[(out + STATISTICS_LARGEST) / 4 + lane + resource] ?? Number.NaN;
    const value = cap < Number.POSITIVE_INFINITY ? cap : seen;
    if (!(value >= 0)) return false;
    need.fill(value, resource * PHASE_COUNT, (resource + 1) * PHASE_COUNT);
  }
  return true;
}
