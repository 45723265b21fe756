/** Quantiles of an instance's decayed histogram, one lane a resource. */

import { HISTOGRAM_SLOTS, TILE_HISTOGRAM, TILE_HISTOGRAM_BASE } from "../layout";
import { quarterOctaveEdge } from "./histogram";

const BUCKET_BYTES: i32 = 64;

function weightsAt(first: usize, bucket: i32): v128 {
  return f32x4.convert_i32x4_s(
    i32x4.extend_low_i16x8_u(v128.load64_zero(first + bucket * BUCKET_BYTES)),
  );
}

/** Four signed bytes as i32x4. */
function loadBytes(at: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(at)));
}

/** Sum of all weights. */
export function histogramTotal(tile: usize, lane: i32): v128 {
  const first = tile + TILE_HISTOGRAM + (lane << 3);
  let total = f32x4.splat(0.0);
  for (let bucket = 0; bucket < HISTOGRAM_SLOTS; bucket++) {
    total = f32x4.add(total, weightsAt(first, bucket));
  }
  return total;
}

/**
 * The value below which `level` of the weight lies: linear within its bucket, the first bucket from
 * 0. All zero without weight.
 */
export function histogramQuantile(tile: usize, lane: i32, total: v128, level: f32): v128 {
  const first = tile + TILE_HISTOGRAM + (lane << 3);
  const target = f32x4.mul(total, f32x4.splat(level));
  const infinite = f32x4.splat(Infinity);
  let sum = f32x4.splat(0.0);
  let below = f32x4.splat(0.0);
  let above = infinite;
  let index = i32x4.splat(0);
  for (let bucket = 0; bucket < HISTOGRAM_SLOTS; bucket++) {
    sum = f32x4.add(sum, weightsAt(first, bucket));
    const short = f32x4.lt(sum, target);
    below = v128.bitselect(sum, below, short);
    above = f32x4.min(above, v128.bitselect(infinite, sum, short));
    index = i32x4.sub(index, short);
  }
  const base = loadBytes(tile + TILE_HISTOGRAM_BASE + (lane << 2));
  const q = i32x4.add(base, index);
  const high = quarterOctaveEdge(i32x4.add(q, i32x4.splat(1)));
  const low = v128.andnot(quarterOctaveEdge(q), i32x4.eq(index, i32x4.splat(0)));
  const part = f32x4.div(f32x4.sub(target, below), f32x4.sub(above, below));
  const value = f32x4.add(low, f32x4.mul(part, f32x4.sub(high, low)));
  return v128.and(value, f32x4.gt(total, f32x4.splat(0.0)));
}
