/**
 * Takes waiting samples out of the inbox, moves the summary state of their instances and writes the
 * net's inputs.
 *
 * | region | type | shape | access |
 * |---|---|---|---|
 * | state | tile state, `layout.ts` | [tile] of stateStride bytes | read, written |
 * | inbox | inbox tile | [tile] of inboxStride bytes | read; flags written |
 * | x | f32 | [tile][16 inputs][8] | written, lanes without a sample are 0 |
 * | mask | u32 | [tile][8] | written, all ones where a sample was taken, else 0 |
 *
 * The regions do not overlap. A missing value is NaN; negative and unbounded values count as
 * missing, so no NaN reaches the state or x. The host has checked that time moves forwards; a
 * sample not later than the last one moves no decay. State of a lane without a waiting sample keeps
 * every bit. Calling again after a crash is only right on a state and inbox put back as they were.
 *
 * Source: decayed moments by West (1979) with the weights of the unbiased start; docs/abi.md has
 * the definitions.
 */

import {
  FLAG_MISSING_MASK,
  HOUR_SLOTS,
  INBOX_CONNECTIONS,
  INBOX_CORE_PEAK,
  INBOX_CPU_PEAK,
  INBOX_FLAGS,
  INBOX_SINCE_LAUNCH,
  INBOX_TIME,
  INBOX_VALUES,
  INPUT_ROWS,
  LANE_ROW_BYTES,
  PENDING_RESTART,
  PENDING_SAMPLE,
  RECENT_SLOTS,
  TILE_COUNT,
  TILE_EWMA,
  TILE_EWMA_VAR,
  TILE_FLAGS,
  TILE_HOUR_MAX,
  TILE_INCARNATIONS,
  TILE_LANES,
  TILE_LAST,
  TILE_LAST_TIME,
  TILE_LAUNCH_TIME,
  TILE_MEAN_2H,
  TILE_MEAN_24H,
  TILE_OBSERVED,
  TILE_RECENT_MAX,
  TILE_SCALE,
  TILE_TOTAL,
  TILE_VARIANCE_2H,
  TILE_VARIANCE_24H,
} from "../layout";
import { decayWeight } from "../simd/activation";
import { log1p } from "../simd/logarithm";
import { dayFraction, sineOfTurns } from "./clock";
import { addWeight, histogramBase, quarterOctaves } from "./histogram";
import { endIncarnation, keepSpread, raiseSurge } from "./past";
import { putRow } from "./rows";
import {
  encodeSteps,
  isMeasured,
  isMeasuredScalar,
  maxCodes,
  packCodes,
  scaled,
  scaleFloor,
} from "./steps";

// Rates of the decays, 1 / seconds.
const RATE_2H: f32 = 1.0 / 7200.0;
const RATE_24H: f32 = 1.0 / 86400.0;
const RATE_48H: f32 = 1.0 / 172800.0;
/** 1 - e^(-300 rate) = .2: EWMA(.2) on 5-minute samples. */
const RATE_EWMA: f32 = 0.000743811837714;
/** A sample stands for at most this long; the first one of a resource for FIRST_SECONDS. */
const INTERVAL_MAX: f64 = 900.0;
const FIRST_SECONDS: f32 = 60.0;
/** Observed seconds fall back by half of this when they reach it, so that f32 still counts. */
const OBSERVED_WRAP: f32 = 8388608.0;
const HISTOGRAM_UNIT_SHIFT: i32 = 3; //  weights of 8 s
const HISTOGRAM_HALF_SHIFT: i32 = 18; // halved every 2^18 s

export function ingest(
  state: usize,
  stateStride: i32,
  inbox: usize,
  inboxStride: i32,
  x: usize,
  xStride: i32,
  mask: usize,
  maskStride: i32,
  tileCount: i32,
): i32 {
  let taken = 0;
  for (let tile = 0; tile < tileCount; tile++) {
    memory.fill(x, 0, INPUT_ROWS * LANE_ROW_BYTES);
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const word = lane << 2;
      const flags = load<u32>(inbox + word, INBOX_FLAGS);
      const waits = (flags & PENDING_SAMPLE) !== 0;
      store<u32>(mask + word, waits ? 0xffffffff : 0);
      if (!waits) continue;
      ingestLane(state, inbox, x, lane, (flags & PENDING_RESTART) !== 0);
      store<u32>(inbox + word, 0, INBOX_FLAGS);
      taken++;
    }
    state += stateStride;
    inbox += inboxStride;
    x += xStride;
    mask += maskStride;
  }
  return taken;
}

/** One instance. Rows of v128 have one lane a resource. */
function ingestLane(state: usize, inbox: usize, x: usize, lane: i32, restarted: bool): void {
  const word = lane << 2;
  const timeAt = lane << 3;
  const row = lane << 4;
  const time = load<f64>(inbox + timeAt, INBOX_TIME);
  const lastTime = load<f64>(state + timeAt, TILE_LAST_TIME);
  const fresh = lastTime === 0.0;
  const restart = restarted || fresh;
  const elapsed = fresh ? 0.0 : max(time - lastTime, 0.0);
  const value = v128.load(inbox + row, INBOX_VALUES);
  const known = isMeasured(value);
  const v = v128.and(value, known);

  startIncarnation(state, inbox, lane, time, restart);
  if (restart) endIncarnation(state, lane);
  moveMoments(state + row, v, known, <f32>min(elapsed, INTERVAL_MAX));
  moveHistogram(state, lane, v, known, <f32>min(elapsed, INTERVAL_MAX));
  const peak = load<f32>(inbox + word, INBOX_CPU_PEAK);
  moveMaxima(state, lane, withPeak(v, peak), known, time, lastTime);
  advanceObserved(state + row, known, <f32>min(elapsed, INTERVAL_MAX));
  raiseSurge(state, lane, v, known, time, restart);
  keepSpread(state, inbox, lane, f32x4.extract_lane(v, 0));

  v128.store(state + row, v128.bitselect(v, v128.load(state + row, TILE_LAST), known), TILE_LAST);
  store<f64>(state + timeAt, time, TILE_LAST_TIME);
  const missing = ~i32x4.bitmask(known) & FLAG_MISSING_MASK;
  const flags = load<u32>(state + word, TILE_FLAGS);
  store<u32>(state + word, (flags & ~FLAG_MISSING_MASK) | missing, TILE_FLAGS);
  writeInputs(state, inbox, x + word, lane, v, known, restart, elapsed);
}

function startIncarnation(state: usize, inbox: usize, lane: i32, time: f64, restart: bool): void {
  const word = lane << 2;
  const launchAt = state + (lane << 3);
  const since = load<f32>(inbox + word, INBOX_SINCE_LAUNCH);
  if (restart) {
    store<u32>(state + word, 0, TILE_COUNT);
    store<f32>(state + word, load<f32>(state + word, TILE_INCARNATIONS) + 1.0, TILE_INCARNATIONS);
    store<f64>(launchAt, time, TILE_LAUNCH_TIME);
  }
  if (isMeasuredScalar(since)) store<f64>(launchAt, time - <f64>since, TILE_LAUNCH_TIME);
  store<u32>(state + word, load<u32>(state + word, TILE_COUNT) + 1, TILE_COUNT);
  store<u32>(state + word, load<u32>(state + word, TILE_TOTAL) + 1, TILE_TOTAL);
}

/** alpha of one decay, 1 for the first sample of a resource. */
function alphaOf(interval: v128, observed: v128, rate: f32): v128 {
  const r = f32x4.splat(rate);
  return f32x4.div(decayWeight(f32x4.mul(interval, r)), decayWeight(f32x4.mul(observed, r)));
}

/** Seconds this sample stands for, a resource. */
function intervalOf(before: v128, seconds: f32): v128 {
  const never = f32x4.eq(before, f32x4.splat(0.0));
  return v128.bitselect(f32x4.splat(FIRST_SECONDS), f32x4.splat(seconds), never);
}

function moveMoments(at: usize, v: v128, known: v128, seconds: f32): void {
  const before = v128.load(at, TILE_OBSERVED);
  const interval = intervalOf(before, seconds);
  const observed = f32x4.add(before, interval);
  moveMean(at, v, known, alphaOf(interval, observed, RATE_2H), TILE_MEAN_2H, TILE_VARIANCE_2H);
  moveMean(at, v, known, alphaOf(interval, observed, RATE_24H), TILE_MEAN_24H, TILE_VARIANCE_24H);
  moveMean(at, v, known, alphaOf(interval, observed, RATE_EWMA), TILE_EWMA, TILE_EWMA_VAR);
  const scale = v128.load(at, TILE_SCALE);
  const step = f32x4.mul(alphaOf(interval, observed, RATE_48H), f32x4.sub(v, scale));
  const moved = v128.bitselect(f32x4.add(scale, step), scale, known);
  v128.store(at, f32x4.max(moved, scaleFloor()), TILE_SCALE);
}

function moveMean(
  at: usize,
  v: v128,
  known: v128,
  alpha: v128,
  meanOffset: usize,
  varianceOffset: usize,
): void {
  const mean = v128.load(at + meanOffset);
  const variance = v128.load(at + varianceOffset);
  const d = f32x4.sub(v, mean);
  const step = f32x4.mul(alpha, d);
  const spread = f32x4.add(variance, f32x4.mul(step, d));
  const rest = f32x4.sub(f32x4.splat(1.0), alpha);
  v128.store(at + meanOffset, v128.bitselect(f32x4.add(mean, step), mean, known));
  const moved = f32x4.max(f32x4.mul(rest, spread), f32x4.splat(0.0));
  v128.store(at + varianceOffset, v128.bitselect(moved, variance, known));
}

function advanceObserved(at: usize, known: v128, seconds: f32): void {
  const before = v128.load(at, TILE_OBSERVED);
  const after = f32x4.add(before, intervalOf(before, seconds));
  const full = f32x4.ge(after, f32x4.splat(OBSERVED_WRAP));
  const wrapped = f32x4.sub(after, v128.and(full, f32x4.splat(OBSERVED_WRAP * 0.5)));
  v128.store(at, v128.bitselect(wrapped, before, known), TILE_OBSERVED);
}

/** The scale has moved already, the observed time has not. */
function moveHistogram(state: usize, lane: i32, v: v128, known: v128, seconds: f32): void {
  const row = lane << 4;
  const before = v128.load(state + row, TILE_OBSERVED);
  const old = i32x4.trunc_sat_f32x4_s(before);
  const now = i32x4.trunc_sat_f32x4_s(f32x4.add(before, intervalOf(before, seconds)));
  const q = quarterOctaves(v);
  const base = histogramBase(v128.load(state + row, TILE_SCALE));
  const weight = i32x4.sub(
    i32x4.shr_s(now, HISTOGRAM_UNIT_SHIFT),
    i32x4.shr_s(old, HISTOGRAM_UNIT_SHIFT),
  );
  const halve = i32x4.ne(
    i32x4.shr_s(now, HISTOGRAM_HALF_SHIFT),
    i32x4.shr_s(old, HISTOGRAM_HALF_SHIFT),
  );
  const isNew = i32x4.eq(old, i32x4.splat(0));
  const bits = i32x4.bitmask(known);
  const news = i32x4.bitmask(isNew);
  const halves = i32x4.bitmask(halve);
  const tile = state;
  const first = lane << 2;
  if (bits & 1) {
    addWeight(
      tile,
      first,
      i32x4.extract_lane(q, 0),
      i32x4.extract_lane(base, 0),
      i32x4.extract_lane(weight, 0),
      (news & 1) !== 0,
      (halves & 1) !== 0,
    );
  }
  if (bits & 2) {
    addWeight(
      tile,
      first + 1,
      i32x4.extract_lane(q, 1),
      i32x4.extract_lane(base, 1),
      i32x4.extract_lane(weight, 1),
      (news & 2) !== 0,
      (halves & 2) !== 0,
    );
  }
  if (bits & 4) {
    addWeight(
      tile,
      first + 2,
      i32x4.extract_lane(q, 2),
      i32x4.extract_lane(base, 2),
      i32x4.extract_lane(weight, 2),
      (news & 4) !== 0,
      (halves & 4) !== 0,
    );
  }
  if (bits & 8) {
    addWeight(
      tile,
      first + 3,
      i32x4.extract_lane(q, 3),
      i32x4.extract_lane(base, 3),
      i32x4.extract_lane(weight, 3),
      (news & 8) !== 0,
      (halves & 8) !== 0,
    );
  }
}

/** The peak within the interval counts for the maxima where it is above the mean. */
function withPeak(v: v128, peak: f32): v128 {
  const cpu = f32x4.extract_lane(v, 0);
  return f32x4.replace_lane(v, 0, isMeasuredScalar(peak) ? max(cpu, peak) : cpu);
}

function moveMaxima(state: usize, lane: i32, v: v128, known: v128, time: f64, lastTime: f64): void {
  const code = packCodes(v128.and(encodeSteps(v), known));
  moveRing(state + TILE_RECENT_MAX + (lane << 2), code, RECENT_SLOTS, time, lastTime, 300.0);
  moveRing(state + TILE_HOUR_MAX + (lane << 2), code, HOUR_SLOTS, time, lastTime, 3600.0);
}

/** Clears the slots that began since the last sample, then raises the current one. */
function moveRing(
  ring: usize,
  code: u32,
  slots: i32,
  time: f64,
  lastTime: f64,
  seconds: f64,
): void {
  const slot = <i64>floor(time / seconds);
  const lastSlot = <i64>floor(lastTime / seconds);
  const begun = <i32>min(max(slot - lastSlot, 0), <i64>slots);
  let index = <i32>(slot % slots);
  const at = ring + index * LANE_ROW_BYTES;
  for (let back = 0; back < begun; back++) {
    store<u32>(ring + index * LANE_ROW_BYTES, 0);
    index = index === 0 ? slots - 1 : index - 1;
  }
  store<u32>(at, maxCodes(load<u32>(at), code));
}

function writeInputs(
  state: usize,
  inbox: usize,
  out: usize,
  lane: i32,
  v: v128,
  known: v128,
  restart: bool,
  elapsed: f64,
): void {
  const word = lane << 2;
  const time = load<f64>(state + (lane << 3), TILE_LAST_TIME);
  const scale = v128.load(state + (lane << 4), TILE_SCALE);
  putRow(out, v128.and(scaled(v, scale), known));

  const cpuPeak = load<f32>(inbox + word, INBOX_CPU_PEAK);
  const corePeak = load<f32>(inbox + word, INBOX_CORE_PEAK);
  const peaks = f32x4(
    isMeasuredScalar(cpuPeak) ? cpuPeak : 0.0,
    isMeasuredScalar(corePeak) ? corePeak : 0.0,
    0.0,
    0.0,
  );
  const u = scaled(peaks, f32x4.splat(f32x4.extract_lane(scale, 0)));
  store<f32>(out, f32x4.extract_lane(u, 0), 4 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(u, 1), 5 * LANE_ROW_BYTES);

  const connections = load<f32>(inbox + word, INBOX_CONNECTIONS);
  const launch = load<f64>(state + (lane << 3), TILE_LAUNCH_TIME);
  const counts = f32x4(
    isMeasuredScalar(connections) ? connections : 0.0,
    <f32>(max(time - launch, 0.0) / 60.0),
    <f32>(elapsed / 60.0),
    0.0,
  );
  const logs = f32x4.mul(log1p(counts), f32x4.splat(0.1));
  store<f32>(out, f32x4.extract_lane(logs, 0), 6 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(logs, 1), 7 * LANE_ROW_BYTES);
  store<f32>(out, restart ? 1.0 : 0.0, 8 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(logs, 2), 9 * LANE_ROW_BYTES);
  putRow(out + 10 * LANE_ROW_BYTES, v128.andnot(f32x4.splat(1.0), known));
  const turns = dayFraction(time);
  store<f32>(out, <f32>sineOfTurns(turns), 14 * LANE_ROW_BYTES);
  store<f32>(out, <f32>sineOfTurns(turns + 0.25), 15 * LANE_ROW_BYTES);
}
