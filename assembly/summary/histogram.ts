/**
 * The decayed histogram of one instance: 36 buckets of a quarter octave, four u16 weights each, in
 * the tile at `TILE_HISTOGRAM + bucket * 64 + lane * 8`. The bottom of bucket 0 follows the scale.
 */

import { HISTOGRAM_SLOTS, TILE_HISTOGRAM, TILE_HISTOGRAM_BASE } from "../layout";

const BUCKET_BYTES: i32 = 64;
/** Buckets below the scale: from 1/8 of it to 64 times it. */
const BELOW_SCALE: i32 = 12;
/** Buckets that the scale may move before the histogram follows. */
const SLACK: i32 = 4;
const WEIGHT_MAX: i32 = 65535;

// 2^(1/4), 2^(1/2), 2^(3/4)
const ROOT_1: f32 = 1.18920708;
const ROOT_2: f32 = 1.41421354;
const ROOT_3: f32 = 1.68179286;

/** floor(4 log2 v), exact for v as f32; values below 2^-30 count as 2^-30. */
export function quarterOctaves(value: v128): v128 {
  const v = f32x4.max(value, f32x4.splat(9.313225746154785e-10));
  const exponent = i32x4.sub(i32x4.shr_u(v, 23), i32x4.splat(127));
  const mantissa = v128.or(v128.and(v, i32x4.splat(0x007fffff)), i32x4.splat(0x3f800000));
  // A comparison is -1 where it holds.
  let q = i32x4.shl(exponent, 2);
  q = i32x4.sub(q, f32x4.ge(mantissa, f32x4.splat(ROOT_1)));
  q = i32x4.sub(q, f32x4.ge(mantissa, f32x4.splat(ROOT_2)));
  return i32x4.sub(q, f32x4.ge(mantissa, f32x4.splat(ROOT_3)));
}

/** 2^(q / 4), the lower edge that `quarterOctaves` tests against; the roots lie in a register. */
export function quarterOctaveEdge(q: v128): v128 {
  const power = i32x4.shl(i32x4.add(i32x4.shr_s(q, 2), i32x4.splat(127)), 23);
  const part = i32x4.shl(v128.and(q, i32x4.splat(3)), 2);
  const spread = i8x16.shuffle(part, part, 0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
  const bytes = i8x16.add(spread, i32x4.splat(0x03020100));
  return f32x4.mul(power, i8x16.swizzle(f32x4(1.0, ROOT_1, ROOT_2, ROOT_3), bytes));
}

/** The base that belongs to a scale. */
export function histogramBase(scale: v128): v128 {
  return i32x4.sub(quarterOctaves(scale), i32x4.splat(BELOW_SCALE));
}

/**
 * Adds `weight` to the bucket of q = quarterOctaves(value) of one resource, after the histogram has
 * followed the scale and, when `halve`, all its weights were halved.
 */
export function addWeight(
  tile: usize,
  column: i32,
  q: i32,
  wantedBase: i32,
  weight: i32,
  fresh: bool,
  halve: bool,
): void {
  const baseAt = tile + TILE_HISTOGRAM_BASE + column;
  const first = tile + TILE_HISTOGRAM + (column << 1);
  let base = <i32>load<i8>(baseAt);
  if (fresh) {
    base = wantedBase;
    store<i8>(baseAt, <i8>base);
  } else {
    const moved = wantedBase - base;
    if (moved > SLACK || moved < -SLACK) {
      shift(first, moved);
      base = wantedBase;
      store<i8>(baseAt, <i8>base);
    }
  }
  if (halve) halveAll(first);
  const bucket = min(max(q - base, 0), HISTOGRAM_SLOTS - 1);
  const at = first + bucket * BUCKET_BYTES;
  store<u16>(at, <u16>min(<i32>load<u16>(at) + weight, WEIGHT_MAX));
}

function halveAll(first: usize): void {
  for (let bucket = 0; bucket < HISTOGRAM_SLOTS; bucket++) {
    const at = first + bucket * BUCKET_BYTES;
    store<u16>(at, load<u16>(at) >> 1);
  }
}

/** Moves every weight `moved` buckets down; what leaves at an end stays in the last one there. */
function shift(first: usize, moved: i32): void {
  if (moved > 0) {
    for (let bucket = 1; bucket < HISTOGRAM_SLOTS; bucket++) moveWeight(first, bucket, moved);
  } else {
    for (let bucket = HISTOGRAM_SLOTS - 2; bucket >= 0; bucket--) moveWeight(first, bucket, moved);
  }
}

function moveWeight(first: usize, bucket: i32, moved: i32): void {
  const from = first + bucket * BUCKET_BYTES;
  const weight = <i32>load<u16>(from);
  if (weight === 0) return;
  const target = min(max(bucket - moved, 0), HISTOGRAM_SLOTS - 1);
  if (target === bucket) return;
  const to = first + target * BUCKET_BYTES;
  store<u16>(from, 0);
  store<u16>(to, <u16>min(<i32>load<u16>(to) + weight, WEIGHT_MAX));
}
