/**
 * Quantiles of the decayed histograms. A v128 of u16 holds two neighbouring lanes of a tile, four
 * resources each, so both are searched at once. The weights of a histogram sum to less than 2^16.
 *
 * First every level's bucket is found, then all values are made in one loop without a call. What is
 * found waits in the blocks around the result, where the lanes have written nothing yet.
 */

import { HISTOGRAM_SLOTS, TILE_HISTOGRAM, TILE_HISTOGRAM_BASE, TILE_LANES } from "../layout";
import { BLOCK_BYTES } from "./blocks";
import { quarterOctaveEdge } from "./histogram";

const BUCKET_BYTES: i32 = 64;

// Blocks from the level's own, u16[2 lanes][4] a pair of lanes: the index of its bucket lies in the
// level's block, beside it the sums of all weights before and up to the bucket.
const BELOW_BLOCKS: usize = 4;
const ABOVE_BLOCKS: usize = 4;
/** From the first level's block: the sums of all weights. */
const TOTAL_BLOCKS: usize = 8;

/**
 * P50, P90, P95 and P99 of all eight lanes, in the resources' units, into four blocks of `out`
 * (`blocks.ts`), one a level. A lane without weight gets 0. Writes the four blocks before these and
 * five behind them too.
 */
export function writeQuantiles(tile: usize, out: usize): void {
  for (let first = 0; first < TILE_LANES; first += 2) {
    findLevels(tile, out + (first << 4), BLOCK_BYTES, first);
  }
  writeValues(tile, out, BLOCK_BYTES, 0, TILE_LANES);
}

/** The same of one lane, into four v128 `stride` bytes apart, which are its blocks. */
export function writeLaneQuantiles(tile: usize, out: usize, stride: usize, lane: i32): void {
  findLevels(tile, out, stride, lane & ~1);
  writeValues(tile, out, stride, lane, 1);
}

/** The buckets of all levels of two lanes, `first` even. */
function findLevels(tile: usize, out: usize, stride: usize, first: i32): void {
  const at = tile + TILE_HISTOGRAM + (first << 3);
  let totals = i32x4.splat(0);
  for (let bucket = 0; bucket < HISTOGRAM_SLOTS; bucket++) {
    totals = i16x8.add_sat_u(totals, v128.load(at + bucket * BUCKET_BYTES));
  }
  v128.store(out + TOTAL_BLOCKS * stride, totals);
  findPair(at, out, stride, targetsOf(totals, 0.5), targetsOf(totals, 0.9));
  findPair(at, out + 2 * stride, stride, targetsOf(totals, 0.95), targetsOf(totals, 0.99));
}

/** Two levels: the first bucket up to which the sum reaches the target. */
function findPair(at: usize, out: usize, stride: usize, targetA: v128, targetB: v128): void {
  const zero = i32x4.splat(0);
  const end = at + HISTOGRAM_SLOTS * BUCKET_BYTES;
  let sum = zero;
  let indexA = i16x8.splat(<i16>HISTOGRAM_SLOTS);
  let indexB = indexA;
  // The last sum below the target, and the complement of the first one that is not.
  let belowA = zero;
  let belowB = zero;
  let aboveA = zero;
  let aboveB = zero;
  do {
    sum = i16x8.add_sat_u(sum, v128.load(at));
    const complement = v128.not(sum);
    const reachedA = i16x8.eq(i16x8.sub_sat_u(targetA, sum), zero);
    const reachedB = i16x8.eq(i16x8.sub_sat_u(targetB, sum), zero);
    indexA = i16x8.add(indexA, reachedA);
    indexB = i16x8.add(indexB, reachedB);
    belowA = i16x8.max_u(belowA, v128.andnot(sum, reachedA));
    belowB = i16x8.max_u(belowB, v128.andnot(sum, reachedB));
    aboveA = i16x8.max_u(aboveA, v128.and(complement, reachedA));
    aboveB = i16x8.max_u(aboveB, v128.and(complement, reachedB));
    at += BUCKET_BYTES;
  } while (at < end);
  v128.store(out, indexA);
  v128.store(out + BELOW_BLOCKS * stride, belowA);
  v128.store(out - ABOVE_BLOCKS * stride, v128.not(aboveA));
  out += stride;
  v128.store(out, indexB);
  v128.store(out + BELOW_BLOCKS * stride, belowB);
  v128.store(out - ABOVE_BLOCKS * stride, v128.not(aboveB));
}

/** ceil(level * total) as u16[2][4]: whole sums below the one are below the other. */
function targetsOf(totals: v128, level: f32): v128 {
  const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(totals));
  const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(totals));
  return i16x8.narrow_i32x4_u(
    i32x4.trunc_sat_f32x4_s(f32x4.ceil(f32x4.mul(low, f32x4.splat(level)))),
    i32x4.trunc_sat_f32x4_s(f32x4.ceil(f32x4.mul(high, f32x4.splat(level)))),
  );
}

/** From buckets to values: of all lanes of a tile, or of one whose pair stands alone. */
function writeValues(tile: usize, out: usize, stride: usize, first: i32, lanes: i32): void {
  const totals = out + TOTAL_BLOCKS * stride;
  writeLevel(tile, out, stride, totals, first, lanes, 0.5);
  writeLevel(tile, out + stride, stride, totals, first, lanes, 0.9);
  writeLevel(tile, out + 2 * stride, stride, totals, first, lanes, 0.95);
  writeLevel(tile, out + 3 * stride, stride, totals, first, lanes, 0.99);
}

/** Linear within the bucket where the target lies, the first bucket from 0. */
function writeLevel(
  tile: usize,
  out: usize,
  stride: usize,
  totals: usize,
  first: i32,
  lanes: i32,
  level: f32,
): void {
  const zero = i32x4.splat(0);
  let turn = 0;
  do {
    // The upper lane of a pair first: its value goes behind what was found of both.
    const lane = first + (lanes === 1 ? 0 : turn ^ 1);
    const pair: usize = lanes === 1 ? 0 : (lane & ~1) << 4;
    const half: usize = pair + ((lane & 1) << 3);
    const index = v128.load16x4_u(out + half);
    const below = v128.load16x4_u(out + half + BELOW_BLOCKS * stride);
    const above = v128.load16x4_u(out + half - ABOVE_BLOCKS * stride);
    const total = f32x4.convert_i32x4_s(v128.load16x4_u(totals + half));
    const target = f32x4.mul(total, f32x4.splat(level));
    const bytes = v128.load32_zero(tile + TILE_HISTOGRAM_BASE + (lane << 2));
    const base = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(bytes));
    const q = i32x4.add(base, index);
    const to = quarterOctaveEdge(i32x4.add(q, i32x4.splat(1)));
    const from = v128.andnot(quarterOctaveEdge(q), i32x4.eq(index, zero));
    const start = f32x4.convert_i32x4_s(below);
    const weight = f32x4.sub(f32x4.convert_i32x4_s(above), start);
    const part = f32x4.div(f32x4.sub(target, start), weight);
    const value = f32x4.add(from, f32x4.mul(part, f32x4.sub(to, from)));
    const place: usize = lanes === 1 ? 0 : lane << 4;
    v128.store(out + place, v128.and(value, f32x4.gt(target, zero)));
    turn++;
  } while (turn < lanes);
}
