/**
 * From amounts, codes and minutes to features, all lanes of a tile at once or one alone: in blocks
 * (`blocks.ts`) `stride` bytes apart, 128 of a tile, 16 of one lane. Each loop is one without a
 * call, so that the functions' constants stay in registers.
 */

import { TILE_CAP, TILE_LAST_TIME, TILE_SCALE } from "../layout";
import { asinhBlocks, log1pBlocks, logBlocks } from "../simd/logarithm";
import { firstOf } from "./blocks";
import {
  AGE_BLOCK,
  blockOf,
  isCapKnown,
  OBSERVED_BLOCK,
  SCALE_BLOCK,
  SIZE_BLOCK,
  WINDOW_BLOCK,
} from "./feature-lane";
import { decodeBlocks } from "./steps";

const FEATURE_MAX: f32 = 6.0;
/** No amount is negative. */
const NO_VALUE: f32 = -1.0;

/** @param first lane 0 of a whole tile, or the one alone */
export function scaleFeatures(state: usize, first: i32, out: usize, stride: usize): void {
  const windows = blockOf(out, stride, WINDOW_BLOCK);
  const scales = blockOf(out, stride, SCALE_BLOCK);
  const sizes = blockOf(out, stride, SIZE_BLOCK);
  const ages = blockOf(out, stride, AGE_BLOCK);
  const observed = blockOf(out, stride, OBSERVED_BLOCK);
  const quarter = f32x4.splat(0.25);
  decodeBlocks(windows, scales, NO_VALUE);
  asinhBlocks(out, sizes, state + (first << 4) + TILE_SCALE, stride, FEATURE_MAX);
  dayForNothing(windows, scales, out + 2 * stride, stride);
  logBlocks(sizes, sizes + stride, quarter, FEATURE_MAX);
  joinSizes(state, first, scales, stride);
  logBlocks(scales, sizes, quarter, FEATURE_MAX);
  log1pBlocks(ages, ages + stride, f32x4(0.25, 0.25, 1.0, 1.0), FEATURE_MAX);
  log1pBlocks(observed, observed + stride, quarter, FEATURE_MAX);
}

/** Blocks 11-15 of a tile alone; a window without a value is below 0. */
export function scaleWindows(state: usize, out: usize, stride: usize): void {
  const windows = blockOf(out, stride, WINDOW_BLOCK);
  const scales = blockOf(out, stride, SCALE_BLOCK);
  decodeBlocks(windows, scales, NO_VALUE);
  asinhBlocks(windows, scales, state + TILE_SCALE, stride, FEATURE_MAX);
}

/** In windows without a value the maximum of 24 h, block 2; in blocks or in rows, all in one form. */
export function dayForNothing(from: usize, end: usize, days: usize, stride: usize): void {
  let at: usize = from;
  do {
    const u = v128.load(at);
    const day = v128.load(days + ((at - from) & (stride - 1)));
    v128.store(at, v128.bitselect(day, u, f32x4.lt(u, f32x4.splat(0.0))));
    at += 16;
  } while (at < end);
}

/**
 * Puts ln(cap) / 4 and asinh(cap / scale) of cpu and memory into one block, and into the block
 * before it the scales, 1 where there is none.
 */
function joinSizes(state: usize, first: i32, scales: usize, stride: usize): void {
  const lanes = <i32>(stride >> 4);
  for (let lane = 0; lane < lanes; lane++) {
    const at = scales + (lane << 4);
    const row = state + ((first + lane) << 4);
    const isUsed = load<f64>(state + ((first + lane) << 3), TILE_LAST_TIME) !== 0.0;
    const known = v128.and(isCapKnown(v128.load(row, TILE_CAP)), i32x4.splat(-(<i32>isUsed)));
    const sizes = firstOf(v128.load(at + stride), v128.load(at));
    v128.store(at + stride, v128.and(sizes, firstOf(known, known)));
    const scale = v128.load(row, TILE_SCALE);
    const none = f32x4.eq(scale, f32x4.splat(0.0));
    v128.store(at, v128.bitselect(f32x4.splat(1.0), scale, none));
  }
}
