/**
 * Quantiles of the decayed histograms. A v128 of u16 holds two neighbouring lanes of a tile, four
 * resources each, so both are searched at once. The weights of a histogram sum to less than 2^16.
 */

import { HISTOGRAM_SLOTS, TILE_HISTOGRAM, TILE_HISTOGRAM_BASE } from "../layout";
import { BLOCK_BYTES } from "./blocks";
import { quarterOctaveEdge } from "./histogram";

const BUCKET_BYTES: i32 = 64;

/** Lanes of a pair that are wanted. */
const LOWER: i32 = 1;
const UPPER: i32 = 2;
const BOTH: i32 = 3;

/**
 * P50, P90, P95 and P99 of all eight lanes, in the resources' units, into four blocks of `out`
 * (`blocks.ts`), one a level. A lane without weight gets 0.
 */
export function writeQuantiles(tile: usize, out: usize): void {
  for (let first = 0; first < 8; first += 2) {
    writeLevels(tile, out + (first << 4), BLOCK_BYTES, first, BOTH);
  }
}

/** The same of one lane, into four v128 `stride` bytes apart. */
export function writeLaneQuantiles(tile: usize, out: usize, stride: usize, lane: i32): void {
  writeLevels(tile, out, stride, lane & ~1, (lane & 1) === 0 ? LOWER : UPPER);
}

function writeLevels(tile: usize, out: usize, stride: usize, first: i32, sides: i32): void {
  const totals = histogramTotals(tile, first);
  writePair(tile, out, stride, first, totals, 0.5, 0.9, sides);
  writePair(tile, out + 2 * stride, stride, first, totals, 0.95, 0.99, sides);
}

/** Sums of all weights of lanes `first` (even) and `first` + 1: u16[2][4]. */
function histogramTotals(tile: usize, first: i32): v128 {
  const at = tile + TILE_HISTOGRAM + (first << 3);
  let total = i32x4.splat(0);
  for (let bucket = 0; bucket < HISTOGRAM_SLOTS; bucket++) {
    total = i16x8.add_sat_u(total, v128.load(at + bucket * BUCKET_BYTES));
  }
  return total;
}

/** Two levels of one or two lanes; the upper lane's v128 follows the lower one's when both are. */
function writePair(
  tile: usize,
  out: usize,
  stride: usize,
  first: i32,
  totals: v128,
  levelA: f32,
  levelB: f32,
  sides: i32,
): void {
  const at = tile + TILE_HISTOGRAM + (first << 3);
  const targetA = targetsOf(totals, levelA);
  const targetB = targetsOf(totals, levelB);
  let sum = i32x4.splat(0);
  let indexA = i32x4.splat(0);
  let indexB = i32x4.splat(0);
  // The last sum below the target and the first one that is not.
  let belowA = i32x4.splat(0);
  let belowB = i32x4.splat(0);
  let aboveA = i32x4.splat(-1);
  let aboveB = i32x4.splat(-1);
  for (let bucket = 0; bucket < HISTOGRAM_SLOTS; bucket++) {
    sum = i16x8.add_sat_u(sum, v128.load(at + bucket * BUCKET_BYTES));
    const shortA = i16x8.lt_u(sum, targetA);
    const shortB = i16x8.lt_u(sum, targetB);
    indexA = i16x8.sub(indexA, shortA);
    indexB = i16x8.sub(indexB, shortB);
    belowA = i16x8.max_u(belowA, v128.and(sum, shortA));
    belowB = i16x8.max_u(belowB, v128.and(sum, shortB));
    aboveA = i16x8.min_u(aboveA, v128.or(sum, shortA));
    aboveB = i16x8.min_u(aboveB, v128.or(sum, shortB));
  }
  if ((sides & LOWER) !== 0) {
    const base = loadBase(tile, first);
    v128.store(out, lowerValue(base, targetLow(totals, levelA), indexA, belowA, aboveA));
    v128.store(out + stride, lowerValue(base, targetLow(totals, levelB), indexB, belowB, aboveB));
  }
  if ((sides & UPPER) !== 0) {
    const base = loadBase(tile, first + 1);
    const to = sides === BOTH ? out + 16 : out;
    v128.store(to, upperValue(base, targetHigh(totals, levelA), indexA, belowA, aboveA));
    v128.store(to + stride, upperValue(base, targetHigh(totals, levelB), indexB, belowB, aboveB));
  }
}

function targetLow(totals: v128, level: f32): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(totals)), f32x4.splat(level));
}

function targetHigh(totals: v128, level: f32): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(totals)), f32x4.splat(level));
}

/** ceil(level * total) as u16[2][4]: whole sums below the one are below the other. */
function targetsOf(totals: v128, level: f32): v128 {
  return i16x8.narrow_i32x4_u(
    i32x4.trunc_sat_f32x4_s(f32x4.ceil(targetLow(totals, level))),
    i32x4.trunc_sat_f32x4_s(f32x4.ceil(targetHigh(totals, level))),
  );
}

function loadBase(tile: usize, lane: i32): v128 {
  const bytes = v128.load32_zero(tile + TILE_HISTOGRAM_BASE + (lane << 2));
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes));
}

function lowerValue(base: v128, target: v128, index: v128, below: v128, above: v128): v128 {
  return bucketValue(
    base,
    target,
    i32x4.extend_low_i16x8_u(index),
    i32x4.extend_low_i16x8_u(below),
    i32x4.extend_low_i16x8_u(above),
  );
}

function upperValue(base: v128, target: v128, index: v128, below: v128, above: v128): v128 {
  return bucketValue(
    base,
    target,
    i32x4.extend_high_i16x8_u(index),
    i32x4.extend_high_i16x8_u(below),
    i32x4.extend_high_i16x8_u(above),
  );
}

/** Linear within the bucket where the target lies, the first bucket from 0. */
function bucketValue(base: v128, target: v128, index: v128, below: v128, above: v128): v128 {
  const q = i32x4.add(base, index);
  const to = quarterOctaveEdge(i32x4.add(q, i32x4.splat(1)));
  const from = v128.andnot(quarterOctaveEdge(q), i32x4.eq(index, i32x4.splat(0)));
  const start = f32x4.convert_i32x4_s(below);
  const weight = f32x4.sub(f32x4.convert_i32x4_s(above), start);
  const part = f32x4.div(f32x4.sub(target, start), weight);
  const value = f32x4.add(from, f32x4.mul(part, f32x4.sub(to, from)));
  return v128.and(value, f32x4.gt(target, f32x4.splat(0.0)));
}
