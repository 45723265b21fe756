/**
 * What an instance's history says in its resources' units: what the simple predictors look at.
 *
 * | region | type | shape | access |
 * |---|---|---|---|
 * | state | tile state, `layout.ts` | [tile] of stateStride bytes | read |
 * | out | f32 | [tile][13 statistics x 4 resources][8] | written whole |
 *
 * Statistics: last; maximum of 1 h, 24 h, 7 d; P50, P90, P95, P99 of the histogram; 2 h mean + 5
 * sigma; EWMA + 3 sigma; 24 h mean + 3 sigma; the restart's clock window yesterday; its maximum over
 * the days -1 to -7. They are rows of `features` before scaling, with the same stand-ins for
 * windows without a value. A resource that was never seen is NaN in all. The regions do not overlap.
 * `atSeconds` and `outageMinutes` as in `features`.
 */

import {
  HOUR_SLOTS,
  TILE_EWMA,
  TILE_EWMA_VAR,
  TILE_LANES,
  TILE_LAST,
  TILE_LAST_TIME,
  TILE_MEAN_2H,
  TILE_MEAN_24H,
  TILE_OBSERVED,
  TILE_VARIANCE_2H,
  TILE_VARIANCE_24H,
} from "../layout";
import { BLOCK_BYTES, turnBlocks } from "./blocks";
import { orElse, pickLane, restartOf, spread } from "./feature-lane";
import { writeQuantiles } from "./quantiles";
import { decodeSteps, widenCodes } from "./steps";
import { clockWindow, dayMaximum, recentMaximum, weekMaximum } from "./windows";

const QUANTILE_BLOCK: i32 = 4;
const BLOCKS: i32 = 13;

export function usageHistory(
  state: usize,
  stateStride: i32,
  out: usize,
  outStride: i32,
  tileCount: i32,
  atSeconds: f64,
  outageMinutes: f32,
): void {
  for (let tile = 0; tile < tileCount; tile++) {
    writeQuantiles(state, out + <usize>QUANTILE_BLOCK * BLOCK_BYTES);
    const weekLow = weekMaximum(state, 0);
    const weekHigh = weekMaximum(state, 1);
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const last = load<f64>(state + (lane << 3), TILE_LAST_TIME);
      const at = atSeconds >= last ? atSeconds : last;
      const restart = restartOf(state, lane, at, outageMinutes);
      const week = pickLane(lane < 4 ? weekLow : weekHigh, lane & 3);
      writeLane(state, out + (lane << 4), lane, restart, widenCodes(week));
    }
    turnBlocks(out, out + <usize>BLOCKS * BLOCK_BYTES);
    state += stateStride;
    out += outStride;
  }
}

function writeLane(state: usize, out: usize, lane: i32, restart: f64, weekCodes: v128): void {
  const at = state + (lane << 4);
  const never = f32x4.eq(v128.load(at, TILE_OBSERVED), f32x4.splat(0.0));
  const lastHour = <i64>floor(load<f64>(state + (lane << 3), TILE_LAST_TIME) / 3600.0);
  const lastSlot = <i32>(lastHour % HOUR_SLOTS);
  const last = v128.load(at, TILE_LAST);
  const hour = decoded(recentMaximum(state, lane), last);
  const day = decoded(dayMaximum(state, lane, lastSlot), hour);
  const week = orElse(weekCodes, decodeSteps(weekCodes), day);
  put(out, 0, last, never);
  put(out, 1, hour, never);
  put(out, 2, day, never);
  put(out, 3, week, never);
  for (let statistic = 4; statistic < 8; statistic++) {
    const level = v128.load(out + <usize>statistic * BLOCK_BYTES);
    put(out, statistic, f32x4.min(level, week), never);
  }
  put(out, 8, spread(at, TILE_MEAN_2H, TILE_VARIANCE_2H, 5.0), never);
  put(out, 9, spread(at, TILE_EWMA, TILE_EWMA_VAR, 3.0), never);
  put(out, 10, spread(at, TILE_MEAN_24H, TILE_VARIANCE_24H, 3.0), never);

  const firstAge = <i32>(lastHour - <i64>floor(restart / 3600.0));
  const secondAge = <i32>(lastHour - <i64>floor((restart + 3599.0) / 3600.0));
  const yesterday = clockWindow(state, lane, 1, lastSlot, firstAge, secondAge);
  let largest = yesterday;
  for (let days = 2; days < 8; days++) {
    const window = clockWindow(state, lane, days, lastSlot, firstAge, secondAge);
    largest = i8x16.max_u(largest, window);
  }
  put(out, 11, decoded(yesterday, day), never);
  put(out, 12, decoded(largest, day), never);
}

/** The value of a maximum's four bytes, or what stands in for none. */
function decoded(bytes: v128, fallback: v128): v128 {
  const codes = widenCodes(bytes);
  return orElse(codes, decodeSteps(codes), fallback);
}

/** One lane of a block, one value a resource. */
function put(out: usize, statistic: i32, value: v128, never: v128): void {
  v128.store(out + <usize>statistic * BLOCK_BYTES, v128.bitselect(f32x4.splat(NaN), value, never));
}
