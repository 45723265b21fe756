/**
 * What one lane's state says, into its v128 of each block of features (`blocks.ts`): blocks
 * `stride` bytes apart, `out` at the lane's v128 of the first. In the resources' units, as codes or
 * as minutes; `feature-scale.ts` then scales all lanes at once.
 */

import {
  FLAG_MISSING_MASK,
  HOUR_SLOTS,
  TILE_CAP,
  TILE_EWMA,
  TILE_EWMA_VAR,
  TILE_FLAGS,
  TILE_INCARNATIONS,
  TILE_INTERRUPTIONS,
  TILE_LAST,
  TILE_LAST_TIME,
  TILE_LAUNCH_TIME,
  TILE_MEAN_2H,
  TILE_MEAN_24H,
  TILE_OBSERVED,
  TILE_OUTAGE,
  TILE_VARIANCE_2H,
  TILE_VARIANCE_24H,
} from "../layout";
import { firstOf } from "./blocks";
import { dayFraction, isWeekend, sinesOfTurns } from "./clock";
import { decodeSteps, widenCodes } from "./steps";
import { clockWindow, dayMaximum, medianOfSeven, recentMaximum } from "./windows";

/** Blocks of features; `features.ts` lists their rows. */
export const QUANTILE_BLOCK: i32 = 4;
export const WINDOW_BLOCK: i32 = 11;
/** Caps on their way to `asinh(cap / scale)`, then the scales' logarithms. */
export const SCALE_BLOCK: i32 = 16;
export const SIZE_BLOCK: i32 = 17;
export const CLOCK_BLOCK: i32 = 18;
export const AGE_BLOCK: i32 = 20;
export const OBSERVED_BLOCK: i32 = 22;

const OBSERVED_MAX: f32 = 4194304.0;
const OUTAGE_HOURS_MAX: f32 = 6.0;

export function blockOf(out: usize, stride: usize, block: i32): usize {
  return out + <usize>block * stride;
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

/** Blocks 0-10; the quantiles are there already, not yet held below the week's maximum. */
export function writeUsage(
  state: usize,
  out: usize,
  stride: usize,
  lane: i32,
  weekCodes: v128,
): void {
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
  v128.store(out, v128.and(last, seen));
  v128.store(out + stride, v128.and(hour, seen));
  v128.store(out + 2 * stride, v128.and(day, seen));
  v128.store(out + 3 * stride, v128.and(week, seen));
  let block = blockOf(out, stride, QUANTILE_BLOCK);
  for (let level = 0; level < 4; level++) {
    v128.store(block, v128.and(f32x4.min(v128.load(block), week), seen));
    block += stride;
  }
  const n2h = spread(at, TILE_MEAN_2H, TILE_VARIANCE_2H, 5.0);
  const ewma = spread(at, TILE_EWMA, TILE_EWMA_VAR, 3.0);
  const n24h = spread(at, TILE_MEAN_24H, TILE_VARIANCE_24H, 3.0);
  v128.store(block, v128.and(n2h, seen));
  v128.store(block + stride, v128.and(ewma, seen));
  v128.store(block + 2 * stride, v128.and(n24h, seen));
}

/** Blocks 11-15 as codes of steps. */
export function writeWindows(
  state: usize,
  out: usize,
  stride: usize,
  lane: i32,
  restart: f64,
): void {
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
  const block = blockOf(out, stride, WINDOW_BLOCK);
  putCodes(block, w1);
  putCodes(block + stride, w2);
  putCodes(block + 2 * stride, w7);
  putCodes(block + 3 * stride, largest);
  putCodes(block + 4 * stride, medianOfSeven(w1, w2, w3, w4, w5, w6, w7));
}

function putCodes(block: usize, bytes: v128): void {
  v128.store(block, f32x4.convert_i32x4_s(widenCodes(bytes)));
}

/** Where a cap is known: above 0 and finite. */
export function isCapKnown(cap: v128): v128 {
  return v128.and(f32x4.gt(cap, f32x4.splat(0.0)), f32x4.lt(cap, f32x4.splat(Infinity)));
}

/** Blocks 16 and 17: the caps, 1 where none is known. */
export function writeCaps(state: usize, out: usize, stride: usize, lane: i32): void {
  const cap = v128.load(state + (lane << 4), TILE_CAP);
  const safe = v128.bitselect(cap, f32x4.splat(1.0), isCapKnown(cap));
  const block = blockOf(out, stride, SCALE_BLOCK);
  v128.store(block, safe);
  v128.store(block + stride, safe);
}

/** Blocks 18 and 19: which caps are known; the restart's time of day and week, the outage. */
export function writeClock(
  state: usize,
  out: usize,
  stride: usize,
  lane: i32,
  at: f64,
  restart: f64,
): void {
  const known = isCapKnown(v128.load(state + (lane << 4), TILE_CAP));
  const turns = f64x2.splat(dayFraction(restart));
  const quarter = f64x2(0.0, 0.25);
  const once = f32x4.demote_f64x2_zero(sinesOfTurns(f64x2.add(turns, quarter)));
  const twice = f64x2.add(f64x2.mul(turns, f64x2.splat(2.0)), quarter);
  const double = f32x4.demote_f64x2_zero(sinesOfTurns(twice));
  const outageHours = min(<f32>((restart - at) / 3600.0), OUTAGE_HOURS_MAX);
  const week = f32x4(isWeekend(restart) ? 1.0 : 0.0, outageHours, 0.0, 0.0);
  const block = blockOf(out, stride, CLOCK_BLOCK);
  v128.store(block, firstOf(v128.and(f32x4.splat(1.0), known), once));
  v128.store(block + stride, firstOf(double, week));
}

/** Blocks 20-22: ages in minutes and counts, what is missing, hours observed. */
export function writeAges(state: usize, out: usize, stride: usize, lane: i32, at: f64): void {
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
    load<f32>(state + word, TILE_INCARNATIONS),
    max(load<f32>(state + word, TILE_INTERRUPTIONS), 0.0),
  );
  const missing = <i32>(load<u32>(state + word, TILE_FLAGS) & FLAG_MISSING_MASK);
  const bits = v128.and(i32x4.splat(missing), i32x4(1, 2, 4, 8));
  const block = blockOf(out, stride, AGE_BLOCK);
  v128.store(block, ages);
  v128.store(block + stride, v128.and(f32x4.splat(1.0), i32x4.ne(bits, i32x4.splat(0))));
  v128.store(block + 2 * stride, f32x4(min(longest, OBSERVED_MAX) / 3600.0, 0.0, 0.0, 0.0));
}
