/**
 * What an instance's earlier lives and its rarer measurements leave behind: 16 codes of 8 bits, a
 * step is 3/64 in asinh space, from which the summary rows 96-110 come. The host writes the four of
 * the job type, `ingest` the others.
 */

import {
  INBOX_CONNECTIONS,
  INBOX_CORE_PEAK,
  INBOX_CPU_PEAK,
  PAST_END,
  PAST_SPREAD,
  PAST_SURGE,
  TILE_EWMA,
  TILE_INCARNATIONS,
  TILE_LAUNCH_TIME,
  TILE_OBSERVED,
  TILE_PAST,
  TILE_SCALE,
  TILE_SURGE_BEFORE,
} from "../layout";
import { log1p } from "../simd/logarithm";
import { isMeasuredScalar, scaled } from "./steps";

const STEP: f32 = 0.046875;
const STEPS: f32 = 64.0 / 3.0;
/** The surge of a restart is the highest excess of this long. */
const SURGE_SECONDS: f64 = 600.0;
/** Busiest core's share of the cpu and ln(1 + connections) on their way into codes. */
const SHARE_FACTOR: f32 = 4.0;
const CONNECTIONS_FACTOR: f32 = 0.25;

/** Codes of four values as i32x4 within -127..127. */
function encode(value: v128): v128 {
  const steps = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(value, f32x4.splat(STEPS))));
  return i32x4.max_s(i32x4.min_s(steps, i32x4.splat(127)), i32x4.splat(-127));
}

function storeCodes(at: usize, codes: v128): void {
  const halves = i16x8.narrow_i32x4_s(codes, codes);
  store<u32>(at, <u32>i32x4.extract_lane(i8x16.narrow_i16x8_s(halves, halves), 0));
}

function loadCodes(at: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(at)));
}

/**
 * Keeps the level (EWMA over scale) at which the incarnation ended that the waiting sample follows,
 * and the surge that restarts have had so far. Call it before the sample moves any state, once the
 * new incarnation is counted.
 */
export function endIncarnation(state: usize, lane: i32): void {
  const row = state + (lane << 4);
  const past = row + TILE_PAST;
  const seen = f32x4.gt(v128.load(row, TILE_OBSERVED), f32x4.splat(0.0));
  const level = v128.and(scaled(v128.load(row, TILE_EWMA), v128.load(row, TILE_SCALE)), seen);
  storeCodes(past + PAST_END, encode(level));
  store<u32>(state + (lane << 2), load<u32>(past + PAST_SURGE), TILE_SURGE_BEFORE);
}

/**
 * Raises the surge of the restart under way by one of its samples: how far it lies above the level
 * at which the incarnation before ended, the highest of ten minutes, then the mean with the surge
 * before, so that each earlier restart counts half of the one after it.
 *
 * @param restart the sample is the first of its incarnation
 */
export function raiseSurge(
  state: usize,
  lane: i32,
  v: v128,
  known: v128,
  time: f64,
  restart: bool,
): void {
  const incarnations = load<f32>(state + (lane << 2), TILE_INCARNATIONS);
  if (incarnations < 2.0) return;
  if (time - load<f64>(state + (lane << 3), TILE_LAUNCH_TIME) > SURGE_SECONDS) return;
  const row = state + (lane << 4);
  const past = row + TILE_PAST;
  const before = loadCodes(state + (lane << 2) + TILE_SURGE_BEFORE);
  const now = encode(scaled(v, v128.load(row, TILE_SCALE)));
  let surge = i32x4.sub(now, loadCodes(past + PAST_END));
  if (incarnations > 2.0) {
    surge = i32x4.shr_s(i32x4.add(i32x4.add(surge, before), i32x4.splat(1)), 1);
  }
  const old = loadCodes(past + PAST_SURGE);
  const raised = restart ? surge : i32x4.max_s(old, surge);
  storeCodes(past + PAST_SURGE, v128.bitselect(raised, old, known));
}

/**
 * Keeps what a sample says beyond its four means; what it does not say stays as it was.
 *
 * @param cpu mean of the interval, 0 when it is missing: then peak and busiest core say nothing
 */
export function keepSpread(state: usize, inbox: usize, lane: i32, cpu: f32): void {
  const word = inbox + (lane << 2);
  const peak = load<f32>(word, INBOX_CPU_PEAK);
  const core = load<f32>(word, INBOX_CORE_PEAK);
  const connections = load<f32>(word, INBOX_CONNECTIONS);
  const hasPeak = cpu > 0.0 && isMeasuredScalar(peak);
  const hasCore = cpu > 0.0 && isMeasuredScalar(core);
  const hasConnections = isMeasuredScalar(connections);
  if (!(hasPeak || hasCore || hasConnections)) return;
  const row = state + (lane << 4);
  const u = scaled(f32x4(peak, cpu, 0.0, 0.0), v128.load32_splat(row, TILE_SCALE));
  const logs = log1p(f32x4.splat(connections));
  const spread = f32x4(
    max(f32x4.extract_lane(u, 0) - f32x4.extract_lane(u, 1), 0.0),
    min(core / cpu, 1.0) * SHARE_FACTOR,
    f32x4.extract_lane(logs, 0) * CONNECTIONS_FACTOR,
    0.0,
  );
  const measured = i32x4(-(<i32>hasPeak), -(<i32>hasCore), -(<i32>hasConnections), 0);
  const at = row + TILE_PAST + PAST_SPREAD;
  storeCodes(at, v128.bitselect(encode(spread), loadCodes(at), measured));
}

/** Blocks 24-27 (`feature-lane.ts`) of one lane. */
export function writePast(state: usize, out: usize, stride: usize, lane: i32): void {
  const codes = v128.load(state + (lane << 4), TILE_PAST);
  const low = i16x8.extend_low_i8x16_s(codes);
  const high = i16x8.extend_high_i8x16_s(codes);
  const block = out + 24 * stride;
  v128.store(block, decode(i32x4.extend_low_i16x8_s(low)));
  v128.store(block + stride, decode(i32x4.extend_high_i16x8_s(low)));
  v128.store(block + 2 * stride, decode(i32x4.extend_low_i16x8_s(high)));
  v128.store(block + 3 * stride, decode(i32x4.extend_high_i16x8_s(high)));
}

function decode(codes: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(codes), f32x4.splat(STEP));
}
