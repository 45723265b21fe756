/**
 * Writes the head's summary features of every instance.
 *
 * | region | type | shape | access |
 * |---|---|---|---|
 * | state | tile state, `layout.ts` | [tile] of stateStride bytes | read |
 * | out | f32 | [tile][112 features][8] | written whole |
 *
 * The regions do not overlap. `atSeconds` is the time of the answer for all lanes, NaN = each
 * lane's last sample; before the last sample it counts as that. `outageMinutes` NaN or negative
 * = the lane's own. A lane that never had a sample is 0. No NaN leaves this kernel. docs/abi.md
 * lists the rows.
 */

import { LANE_ROW_BYTES, SUMMARY_ROWS, TILE_LANES, TILE_LAST_TIME } from "../layout";
import { BLOCK_BYTES, turnBlocks } from "./blocks";
import {
  blockOf,
  CLOCK_BLOCK,
  pickLane,
  QUANTILE_BLOCK,
  restartOf,
  SCALE_BLOCK,
  WINDOW_BLOCK,
  writeAges,
  writeCaps,
  writeClock,
  writeUsage,
  writeWindows,
} from "./feature-lane";
import { dayForNothing, scaleFeatures, scaleWindows } from "./feature-scale";
import { writePast } from "./past";
import { writeLaneQuantiles, writeQuantiles } from "./quantiles";
import { widenCodes } from "./steps";
import { weekMaximum } from "./windows";

const TILE_BYTES: i32 = SUMMARY_ROWS * LANE_ROW_BYTES;
const BLOCKS: i32 = SUMMARY_ROWS / 4;
/** Rows 92-95. */
const RESERVED_BLOCK: i32 = 23;
/** Of one lane alone. */
const LANE_STRIDE: usize = 16;

export function features(
  state: usize,
  stateStride: i32,
  out: usize,
  outStride: i32,
  tileCount: i32,
  atSeconds: f64,
  outageMinutes: f32,
): void {
  for (let tile = 0; tile < tileCount; tile++) {
    writeQuantiles(state, blockOf(out, BLOCK_BYTES, QUANTILE_BLOCK));
    const weekLow = weekMaximum(state, 0);
    const weekHigh = weekMaximum(state, 1);
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const column = out + (lane << 4);
      const week = pickLane(lane < 4 ? weekLow : weekHigh, lane & 3);
      writeLane(state, column, BLOCK_BYTES, lane, week, atSeconds, outageMinutes);
    }
    scaleFeatures(state, 0, out, BLOCK_BYTES);
    turnBlocks(out, out + TILE_BYTES);
    state += stateStride;
    out += outStride;
  }
}

/**
 * The features of one lane of one tile, what `features` would write into its column, to the bit.
 *
 * | region | type | shape | access |
 * |---|---|---|---|
 * | state | tile state | one tile | read |
 * | out | f32 | [112 features] | written whole |
 */
export function laneFeatures(
  state: usize,
  lane: i32,
  out: usize,
  atSeconds: f64,
  outageMinutes: f32,
): void {
  writeLaneQuantiles(state, blockOf(out, LANE_STRIDE, QUANTILE_BLOCK), LANE_STRIDE, lane);
  const week = pickLane(weekMaximum(state, lane >> 2), lane & 3);
  writeLane(state, out, LANE_STRIDE, lane, week, atSeconds, outageMinutes);
  scaleFeatures(state, lane, out, LANE_STRIDE);
}

/** All blocks of one lane, not yet scaled; nothing of one that never had a sample. */
function writeLane(
  state: usize,
  out: usize,
  stride: usize,
  lane: i32,
  week: v128,
  atSeconds: f64,
  outageMinutes: f32,
): void {
  const last = load<f64>(state + (lane << 3), TILE_LAST_TIME);
  if (last === 0.0) {
    for (let block = 0; block < BLOCKS; block++) {
      v128.store(blockOf(out, stride, block), i32x4.splat(0));
    }
    return;
  }
  const at = atSeconds >= last ? atSeconds : last;
  const restart = restartOf(state, lane, at, outageMinutes);
  writeUsage(state, out, stride, lane, widenCodes(week));
  writeWindows(state, out, stride, lane, restart);
  writeCaps(state, out, stride, lane);
  writeClock(state, out, stride, lane, at, restart);
  writeAges(state, out, stride, lane, at);
  v128.store(blockOf(out, stride, RESERVED_BLOCK), i32x4.splat(0));
  writePast(state, out, stride, lane);
}

/**
 * The features of the same moment for another outage: what `features` would write, to the bit, for
 * a quarter of its work.
 *
 * | region | type | shape | access |
 * |---|---|---|---|
 * | state | tile state | [tile] of stateStride bytes | read, as it was for `from` |
 * | from | f32 | [tile][112 features][8] | read: written by `features` for the same `atSeconds` |
 * | out | f32 | [tile][112 features][8] | written whole; not `from` |
 */
export function featuresForOutage(
  state: usize,
  stateStride: i32,
  from: usize,
  fromStride: i32,
  out: usize,
  outStride: i32,
  tileCount: i32,
  atSeconds: f64,
  outageMinutes: f32,
): void {
  for (let tile = 0; tile < tileCount; tile++) {
    const windows = blockOf(out, BLOCK_BYTES, WINDOW_BLOCK);
    const scales = blockOf(out, BLOCK_BYTES, SCALE_BLOCK);
    const clock = blockOf(out, BLOCK_BYTES, CLOCK_BLOCK);
    memory.copy(out, from, TILE_BYTES);
    memory.fill(windows, 0, scales - windows);
    memory.fill(clock, 0, 2 * BLOCK_BYTES);
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const last = load<f64>(state + (lane << 3), TILE_LAST_TIME);
      if (last === 0.0) continue;
      const at = atSeconds >= last ? atSeconds : last;
      const restart = restartOf(state, lane, at, outageMinutes);
      const column = out + (lane << 4);
      writeWindows(state, column, BLOCK_BYTES, lane, restart);
      writeClock(state, column, BLOCK_BYTES, lane, at, restart);
    }
    scaleWindows(state, out, BLOCK_BYTES);
    turnBlocks(windows, scales);
    turnBlocks(clock, clock + 2 * BLOCK_BYTES);
    dayForNothing(windows, scales, out + 2 * BLOCK_BYTES, BLOCK_BYTES);
    state += stateStride;
    from += fromStride;
    out += outStride;
  }
}
