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

import {
  FLAG_MISSING_MASK,
  HOUR_SLOTS,
  LANE_ROW_BYTES,
  SUMMARY_ROWS,
  TILE_CAP,
  TILE_EWMA,
  TILE_EWMA_VAR,
  TILE_FLAGS,
  TILE_INCARNATIONS,
  TILE_INTERRUPTIONS,
  TILE_LANES,
  TILE_LAST,
  TILE_LAST_TIME,
  TILE_LAUNCH_TIME,
  TILE_MEAN_2H,
  TILE_MEAN_24H,
  TILE_OBSERVED,
  TILE_OUTAGE,
  TILE_SCALE,
  TILE_VARIANCE_2H,
  TILE_VARIANCE_24H,
} from "../layout";
import { asinh, asinhRows, log, log1p } from "../simd/logarithm";
import { dayFraction, isWeekend, sineOfTurns } from "./clock";
import { writePast } from "./past";
import { writeQuantiles } from "./quantiles";
import { getRow, putRow } from "./rows";
import { decodeRows, decodeSteps, widenCodes } from "./steps";
import { clockWindow, dayMaximum, medianOfSeven, recentMaximum, weekMaximum } from "./windows";

const OBSERVED_MAX: f32 = 4194304.0;
const FEATURE_MAX: f32 = 6.0;
/** Four quantiles of four resources, first in their units, then scaled in place. */
const QUANTILE_ROW: i32 = 16;
const FEATURE_BYTES: i32 = 4 * LANE_ROW_BYTES;
/** Windows of clock time: five features. */
const WINDOW_ROW: i32 = 44;
const WINDOW_ROWS: i32 = 20;
/** Holds the scales themselves until all lanes are scaled. */
const SCALE_ROW: i32 = 64;
/** No amount is negative. */
const NO_VALUE: f32 = -1.0;

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
    memory.fill(out, 0, SUMMARY_ROWS * LANE_ROW_BYTES);
    writeScales(state, out + SCALE_ROW * LANE_ROW_BYTES);
    writeQuantiles(state, out + QUANTILE_ROW * LANE_ROW_BYTES);
    const weekLow = weekMaximum(state, 0);
    const weekHigh = weekMaximum(state, 1);
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const last = load<f64>(state + (lane << 3), TILE_LAST_TIME);
      if (last === 0.0) continue;
      const at = atSeconds >= last ? atSeconds : last;
      const restart = restartOf(state, lane, at, outageMinutes);
      const week = pickLane(lane < 4 ? weekLow : weekHigh, lane & 3);
      const column = out + (lane << 2);
      writeUsage(state, column, lane, widenCodes(week));
      writeWindows(state, column, lane, restart);
      writeSizes(state, column, lane);
      writeClock(column, at, restart);
      writeAges(state, column, lane, at);
      writePast(state, column, lane);
    }
    scaleUsage(out);
    scaleWindows(out);
    writeScaleLogs(state, out);
    state += stateStride;
    out += outStride;
  }
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
    memory.copy(out, from, SUMMARY_ROWS * LANE_ROW_BYTES);
    memory.fill(out + WINDOW_ROW * LANE_ROW_BYTES, 0, WINDOW_ROWS * LANE_ROW_BYTES);
    writeScales(state, out + SCALE_ROW * LANE_ROW_BYTES);
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const last = load<f64>(state + (lane << 3), TILE_LAST_TIME);
      if (last === 0.0) continue;
      const at = atSeconds >= last ? atSeconds : last;
      const restart = restartOf(state, lane, at, outageMinutes);
      const column = out + (lane << 2);
      writeWindows(state, column, lane, restart);
      writeClock(column, at, restart);
    }
    scaleWindows(out);
    const logs: usize = SCALE_ROW * LANE_ROW_BYTES;
    memory.copy(out + logs, from + logs, FEATURE_BYTES);
    state += stateStride;
    from += fromStride;
    out += outStride;
  }
}

export function restartOf(state: usize, lane: i32, at: f64, outageMinutes: f32): f64 {
  const own = load<f32>(state + (lane << 2), TILE_OUTAGE);
  const outage = outageMinutes >= 0.0 ? outageMinutes : own;
  return at + (outage >= 0.0 ? <f64>outage * 60.0 : 0.0);
}

/** Moves one lane's four bytes to the front. */
export function pickLane(bytes: v128, lane: i32): v128 {
  let word = i32x4.extract_lane(bytes, 0);
  if (lane === 1) word = i32x4.extract_lane(bytes, 1);
  if (lane === 2) word = i32x4.extract_lane(bytes, 2);
  if (lane === 3) word = i32x4.extract_lane(bytes, 3);
  return i32x4.replace_lane(i32x4.splat(0), 0, word);
}

/** Where the first has no value, the second. */
export function orElse(codes: v128, value: v128, fallback: v128): v128 {
  return v128.bitselect(fallback, value, i32x4.eq(codes, i32x4.splat(0)));
}

/** mean + n sigma */
export function spread(at: usize, meanOffset: usize, varianceOffset: usize, n: f32): v128 {
  const sigma = f32x4.sqrt(v128.load(at + varianceOffset));
  return f32x4.add(v128.load(at + meanOffset), f32x4.mul(sigma, f32x4.splat(n)));
}

/** Features 0-10, one group of four rows each, in the resources' units. */
function writeUsage(state: usize, out: usize, lane: i32, weekCodes: v128): void {
  const at = state + (lane << 4);
  const seen = f32x4.gt(v128.load(at, TILE_OBSERVED), f32x4.splat(0.0));
  const lastHour = <i64>floor(load<f64>(state + (lane << 3), TILE_LAST_TIME) / 3600.0);
  const lastSlot = <i32>(lastHour % HOUR_SLOTS);
  const last = v128.load(at, TILE_LAST);
  const hourCodes = widenCodes(recentMaximum(state, lane));
  const hour = orElse(hourCodes, decodeSteps(hourCodes), last);
  const dayCodes = widenCodes(dayMaximum(state, lane, lastSlot));
  const day = orElse(dayCodes, decodeSteps(dayCodes), hour);
  const week = orElse(weekCodes, decodeSteps(weekCodes), day);
  put(out, 0, last, seen);
  put(out, 1, hour, seen);
  put(out, 2, day, seen);
  put(out, 3, week, seen);

  for (let feature = 4; feature < 8; feature++) {
    put(out, feature, f32x4.min(getRow(out + feature * FEATURE_BYTES), week), seen);
  }
  put(out, 8, spread(at, TILE_MEAN_2H, TILE_VARIANCE_2H, 5.0), seen);
  put(out, 9, spread(at, TILE_EWMA, TILE_EWMA_VAR, 3.0), seen);
  put(out, 10, spread(at, TILE_MEAN_24H, TILE_VARIANCE_24H, 3.0), seen);
}

/** Features 11-15 as codes of steps. */
function writeWindows(state: usize, out: usize, lane: i32, restart: f64): void {
  const lastHour = <i64>floor(load<f64>(state + (lane << 3), TILE_LAST_TIME) / 3600.0);
  const lastSlot = <i32>(lastHour % HOUR_SLOTS);
  const firstAge = <i32>(lastHour - <i64>floor(restart / 3600.0));
  const secondAge = <i32>(lastHour - <i64>floor((restart + 3599.0) / 3600.0));
  const w1 = clockWindow(state, lane, 1, lastSlot, firstAge, secondAge);
  const w2 = clockWindow(state, lane, 2, lastSlot, firstAge, secondAge);
  const w3 = clockWindow(state, lane, 3, lastSlot, firstAge, secondAge);
  const w4 = clockWindow(state, lane, 4, lastSlot, firstAge, secondAge);
  const w5 = clockWindow(state, lane, 5, lastSlot, firstAge, secondAge);
  const w6 = clockWindow(state, lane, 6, lastSlot, firstAge, secondAge);
  const w7 = clockWindow(state, lane, 7, lastSlot, firstAge, secondAge);
  let largest = i8x16.max_u(i8x16.max_u(w1, w2), i8x16.max_u(w3, w4));
  largest = i8x16.max_u(largest, i8x16.max_u(i8x16.max_u(w5, w6), w7));
  putWindow(out, 11, w1);
  putWindow(out, 12, w2);
  putWindow(out, 13, w7);
  putWindow(out, 14, largest);
  putWindow(out, 15, medianOfSeven(w1, w2, w3, w4, w5, w6, w7));
}

/** Four rows of one lane, one a resource. */
function put(out: usize, feature: i32, value: v128, seen: v128): void {
  putRow(out + feature * FEATURE_BYTES, v128.and(value, seen));
}

function putWindow(out: usize, feature: i32, bytes: v128): void {
  const codes = widenCodes(bytes);
  putRow(out + feature * FEATURE_BYTES, f32x4.convert_i32x4_s(codes));
}

/** Scales of all lanes, a row a resource; 1 where a lane has none, since 0 / 0 is not 0. */
function writeScales(state: usize, out: usize): void {
  for (let lane = 0; lane < TILE_LANES; lane++) {
    const scale = v128.load(state + (lane << 4), TILE_SCALE);
    const none = f32x4.eq(scale, f32x4.splat(0.0));
    putRow(out + (lane << 2), v128.bitselect(f32x4.splat(1.0), scale, none));
  }
}

/** Within [-6, 6], in place from one address to another. */
function clampRows(at: usize, end: usize): void {
  do {
    v128.store(at, clamp(v128.load(at)));
    at += 16;
  } while (at < end);
}

/** Features 0-10 of all lanes to asinh(value / scale). */
function scaleUsage(out: usize): void {
  const end: usize = out + WINDOW_ROW * LANE_ROW_BYTES;
  asinhRows(out, end, out + SCALE_ROW * LANE_ROW_BYTES);
  clampRows(out, end);
}

/** Features 11-15 likewise. Feature 2, the maximum of 24 h, stands in for no value. */
function scaleWindows(out: usize): void {
  const from: usize = out + WINDOW_ROW * LANE_ROW_BYTES;
  const end: usize = from + WINDOW_ROWS * LANE_ROW_BYTES;
  const days: usize = out + 2 * FEATURE_BYTES;
  decodeRows(from, end, NO_VALUE);
  asinhRows(from, end, out + SCALE_ROW * LANE_ROW_BYTES);
  clampRows(from, end);
  let at: usize = from;
  do {
    const u = v128.load(at);
    const day = v128.load(days + ((at - from) & (FEATURE_BYTES - 1)));
    v128.store(at, v128.bitselect(day, u, f32x4.lt(u, f32x4.splat(0.0))));
    at += 16;
  } while (at < end);
}

/** Rows 64-67, where the scales were: their logarithms, 0 where a lane had no sample. */
function writeScaleLogs(state: usize, out: usize): void {
  for (let half: usize = 0; half < <usize>LANE_ROW_BYTES; half += 16) {
    const times = state + (half << 1);
    const zero = f64x2.splat(0.0);
    const low = f64x2.ne(v128.load(times, TILE_LAST_TIME), zero);
    const high = f64x2.ne(v128.load(times, TILE_LAST_TIME + 16), zero);
    const used = i8x16.shuffle(low, high, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    for (let row: usize = 0; row < <usize>FEATURE_BYTES; row += <usize>LANE_ROW_BYTES) {
      const at: usize = out + SCALE_ROW * LANE_ROW_BYTES + row + half;
      const logs = clamp(f32x4.mul(log(v128.load(at)), f32x4.splat(0.25)));
      v128.store(at, v128.and(logs, used));
    }
  }
}

/** Within [-6, 6]. */
function clamp(v: v128): v128 {
  return f32x4.max(f32x4.min(v, f32x4.splat(FEATURE_MAX)), f32x4.splat(-FEATURE_MAX));
}

/** Rows 68-73: caps. */
function writeSizes(state: usize, out: usize, lane: i32): void {
  const at = state + (lane << 4);
  const scale = v128.load(at, TILE_SCALE);
  const cap = v128.load(at, TILE_CAP);
  const known = v128.and(f32x4.gt(cap, f32x4.splat(0.0)), f32x4.lt(cap, f32x4.splat(Infinity)));
  const quarter = f32x4.splat(0.25);
  const safe = v128.bitselect(cap, f32x4.splat(1.0), known);
  const size = v128.and(clamp(f32x4.mul(log(safe), quarter)), known);
  const relative = v128.and(clamp(asinh(f32x4.div(safe, scale))), known);
  const flag = v128.and(f32x4.splat(1.0), known);
  store<f32>(out, f32x4.extract_lane(size, 0), 68 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(size, 1), 69 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(relative, 0), 70 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(relative, 1), 71 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(flag, 0), 72 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(flag, 1), 73 * LANE_ROW_BYTES);
}

/** Rows 74-79: the restart's time of day and week, the outage. */
function writeClock(out: usize, at: f64, restart: f64): void {
  const turns = dayFraction(restart);
  store<f32>(out, <f32>sineOfTurns(turns), 74 * LANE_ROW_BYTES);
  store<f32>(out, <f32>sineOfTurns(turns + 0.25), 75 * LANE_ROW_BYTES);
  store<f32>(out, <f32>sineOfTurns(turns * 2.0), 76 * LANE_ROW_BYTES);
  store<f32>(out, <f32>sineOfTurns(turns * 2.0 + 0.25), 77 * LANE_ROW_BYTES);
  store<f32>(out, isWeekend(restart) ? 1.0 : 0.0, 78 * LANE_ROW_BYTES);
  const outageHours = <f32>((restart - at) / 3600.0);
  store<f32>(out, min(outageHours, FEATURE_MAX), 79 * LANE_ROW_BYTES);
}

/** Rows 80-88: ages, counts, what is missing. */
function writeAges(state: usize, out: usize, lane: i32, at: f64): void {
  const word = lane << 2;
  const time = lane << 3;
  const observed = v128.load(state + (lane << 4), TILE_OBSERVED);
  const pairs = f32x4.max(
    observed,
    i8x16.shuffle(observed, observed, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11),
  );
  const longest = max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 2));
  const ages = f32x4(
    <f32>((at - load<f64>(state + time, TILE_LAST_TIME)) / 60.0),
    <f32>(max(at - load<f64>(state + time, TILE_LAUNCH_TIME), 0.0) / 60.0),
    min(longest, OBSERVED_MAX) / 3600.0,
    0.0,
  );
  const logs = clamp(f32x4.mul(log1p(ages), f32x4.splat(0.25)));
  const counts = f32x4(
    load<f32>(state + word, TILE_INCARNATIONS),
    max(load<f32>(state + word, TILE_INTERRUPTIONS), 0.0),
    0.0,
    0.0,
  );
  const countLogs = clamp(log1p(counts));
  store<f32>(out, f32x4.extract_lane(logs, 0), 80 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(logs, 1), 81 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(countLogs, 0), 82 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(countLogs, 1), 83 * LANE_ROW_BYTES);
  const missing = <i32>(load<u32>(state + word, TILE_FLAGS) & FLAG_MISSING_MASK);
  const bits = v128.and(i32x4.splat(missing), i32x4(1, 2, 4, 8));
  putRow(out + 84 * LANE_ROW_BYTES, v128.and(f32x4.splat(1.0), i32x4.ne(bits, i32x4.splat(0))));
  store<f32>(out, f32x4.extract_lane(logs, 2), 88 * LANE_ROW_BYTES);
}
