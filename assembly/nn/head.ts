/** The head: [hidden state ; summary] -> 96 SiLU -> 64 SiLU -> 48 raw -> quantiles. */

import { ENVELOPE_ROWS } from "../layout";
import { silu } from "../simd/activation";
import {
  AFFINE_ADD,
  AFFINE_STORE,
  affinePackedBytes,
  affineTile,
  packAffine,
  packColumns,
} from "./affine";
import { quantiles } from "./quantiles";

export const HEAD_FIRST_ROWS: i32 = 96;
export const HEAD_SECOND_ROWS: i32 = 64;

// Rows of the summary that depend on the outage, as `featuresForOutage` writes them: the windows of
// the restart's hour and its clock. The first layer adds them last, so that two answers of one
// moment share everything before.
export const WINDOW_FROM: i32 = 44;
export const WINDOW_TO: i32 = 64;
export const CLOCK_FROM: i32 = 74;
export const CLOCK_TO: i32 = 80;

/** Bytes that `packHead` writes. */
export function headPackedBytes(hiddenSize: i32, summarySize: i32): i32 {
  const parts = 1 + i32(summarySize > WINDOW_FROM) + i32(summarySize > WINDOW_TO);
  return (
    affinePackedBytes(HEAD_FIRST_ROWS, hiddenSize + summarySize + parts - 1) +
    affinePackedBytes(HEAD_SECOND_ROWS, HEAD_FIRST_ROWS) +
    affinePackedBytes(ENVELOPE_ROWS, HEAD_SECOND_ROWS)
  );
}

/** Bytes one call of `head`, `headRaw` or `headPair` needs for itself. */
export function headScratchBytes(): i32 {
  return (2 * HEAD_FIRST_ROWS + HEAD_SECOND_ROWS) << 5;
}

/**
 * Packs the head's three layers.
 *
 *   weight0  f32[96, H + S]   bias0  f32[96]   read; PyTorch's layout
 *   weight1  f32[64, 96]      bias1  f32[64]   read
 *   weight2  f32[48, 64]      bias2  f32[48]   read
 *   packed   `headPackedBytes`                 written
 *
 * Regions must not overlap. The first layer is packed in up to three parts: the state and rows
 * 0-43 of the summary with the biases, rows 64-73 and 80 on, rows 44-63 and 74-79.
 */
export function packHead(
  weight0: usize,
  bias0: usize,
  weight1: usize,
  bias1: usize,
  weight2: usize,
  bias2: usize,
  packed: usize,
  hiddenSize: i32,
  summarySize: i32,
): void {
  const stride: usize = (<usize>(hiddenSize + summarySize)) << 2;
  const s: usize = weight0 + ((<usize>hiddenSize) << 2);
  const before = min(summarySize, WINDOW_FROM);
  packed = packPart(weight0, bias0, packed, stride, hiddenSize + before, weight0, 0);
  if (summarySize > WINDOW_TO) {
    packed = packPart(
      columnOf(s, WINDOW_TO),
      0,
      packed,
      stride,
      min(summarySize, CLOCK_FROM) - WINDOW_TO,
      columnOf(s, CLOCK_TO),
      max(summarySize - CLOCK_TO, 0),
    );
  }
  if (summarySize > WINDOW_FROM) {
    packed = packPart(
      columnOf(s, WINDOW_FROM),
      0,
      packed,
      stride,
      min(summarySize, WINDOW_TO) - WINDOW_FROM,
      columnOf(s, CLOCK_FROM),
      max(min(summarySize, CLOCK_TO) - CLOCK_FROM, 0),
    );
  }
  packed = packAffine(weight1, bias1, packed, HEAD_SECOND_ROWS, HEAD_FIRST_ROWS);
  packAffine(weight2, bias2, packed, ENVELOPE_ROWS, HEAD_SECOND_ROWS);
}

function columnOf(at: usize, column: i32): usize {
  return at + ((<usize>column) << 2);
}

/** Two ranges of columns of the first layer; a bias address of 0 packs zeros. Returns the end. */
function packPart(
  weight: usize,
  bias: usize,
  packed: usize,
  stride: usize,
  columns: i32,
  moreWeight: usize,
  moreColumns: i32,
): usize {
  for (let row: i32 = 0; row < HEAD_FIRST_ROWS; row += 4) {
    const biases = bias === 0 ? f32x4.splat(0.0) : v128.load(bias + ((<usize>row) << 2));
    v128.store(packed, biases);
    packed = packColumns(weight, packed + 16, columns, stride);
    packed = packColumns(moreWeight, packed, moreColumns, stride);
    weight += stride << 2;
    moreWeight += stride << 2;
  }
  return packed;
}

/** What the first layer has before it looks at the outage. Returns the weights of the rest. */
function sharedPart(
  packed: usize,
  h: usize,
  hEnd: usize,
  s: usize,
  summarySize: i32,
  out: usize,
): usize {
  const outEnd: usize = out + ((<usize>HEAD_FIRST_ROWS) << 5);
  const before: usize = rowOf(s, min(summarySize, WINDOW_FROM));
  const w = affineTile(packed, h, hEnd, s, before, out, outEnd, AFFINE_STORE);
  if (summarySize <= WINDOW_TO) return w;
  const from: usize = rowOf(s, WINDOW_TO);
  const to: usize = rowOf(s, min(summarySize, CLOCK_FROM));
  const more: usize = rowOf(s, CLOCK_TO);
  const end: usize = max(more, rowOf(s, summarySize));
  return affineTile(w, from, to, more, end, out, outEnd, AFFINE_ADD);
}

function rowOf(at: usize, row: i32): usize {
  return at + ((<usize>row) << 5);
}

/** The rest of the first layer and the two behind it. */
function remainingPart(packed: usize, s: usize, summarySize: i32, first: usize, out: usize): void {
  const second: usize = first + ((<usize>HEAD_FIRST_ROWS) << 5);
  const secondEnd: usize = second + ((<usize>HEAD_SECOND_ROWS) << 5);
  let w = packed;
  if (summarySize > WINDOW_FROM) {
    const from: usize = rowOf(s, WINDOW_FROM);
    const to: usize = rowOf(s, min(summarySize, WINDOW_TO));
    const more: usize = rowOf(s, CLOCK_FROM);
    const end: usize = max(more, rowOf(s, min(summarySize, CLOCK_TO)));
    w = affineTile(w, from, to, more, end, first, second, AFFINE_ADD);
  }
  siluRows(first, second);
  w = affineTile(w, first, second, second, second, second, secondEnd, AFFINE_STORE);
  siluRows(second, secondEnd);
  const outEnd: usize = out + ((<usize>ENVELOPE_ROWS) << 5);
  affineTile(w, second, secondEnd, secondEnd, secondEnd, out, outEnd, AFFINE_STORE);
}

/**
 * The head before the quantile map.
 *
 *   packed   read; made by `packHead`
 *   h        f32[H][8] a tile   read; tiles `hStrideBytes` bytes apart
 *   s        f32[S][8] a tile   read; tiles `sStrideBytes` bytes apart
 *   out      f32[48][8] a tile  written; row = (resource * 3 + phase) * 4 + k; `outStrideBytes` apart
 *   scratch  `headScratchBytes()`   written; one a thread
 *
 * Regions must not overlap. A NaN in a lane stays in that lane. Each lane's bits depend on that
 * lane and the weights only. Reference: `headReference`.
 */
export function headRaw(
  packed: usize,
  h: usize,
  hStrideBytes: usize,
  s: usize,
  sStrideBytes: usize,
  out: usize,
  outStrideBytes: usize,
  tileCount: i32,
  hiddenSize: i32,
  summarySize: i32,
  scratch: usize,
): void {
  const hBytes: usize = (<usize>hiddenSize) << 5;
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    const w = sharedPart(packed, h, h + hBytes, s, summarySize, scratch);
    remainingPart(w, s, summarySize, scratch, out);
    h += hStrideBytes;
    s += sStrideBytes;
    out += outStrideBytes;
  }
}

/** SiLU in place, from one address to another; an even number of vectors, two at a time. */
export function siluRows(at: usize, end: usize): void {
  do {
    const low = silu(v128.load(at));
    const high = silu(v128.load(at, 16));
    v128.store(at, low);
    v128.store(at, high, 16);
    at += 32;
  } while (at < end);
}

/** `headRaw`, then `quantiles` in place: out holds q in u-space, not decreasing in k. */
export function head(
  packed: usize,
  h: usize,
  hStrideBytes: usize,
  s: usize,
  sStrideBytes: usize,
  out: usize,
  outStrideBytes: usize,
  tileCount: i32,
  hiddenSize: i32,
  summarySize: i32,
  scratch: usize,
): void {
  headRaw(
    packed,
    h,
    hStrideBytes,
    s,
    sStrideBytes,
    out,
    outStrideBytes,
    tileCount,
    hiddenSize,
    summarySize,
    scratch,
  );
  quantiles(out, outStrideBytes, out, outStrideBytes, tileCount);
}

/**
 * `head` for two outages of one moment of one tile: the same bits as two calls, for three quarters
 * of the work, since all but 26 columns of the first layer are summed once.
 *
 *   s, other       f32[S][8]    read; they differ in what `featuresForOutage` writes only
 *   out, otherOut  f32[48][8]   written
 *
 * The other regions are as in `headRaw`. No two regions overlap.
 */
export function headPair(
  packed: usize,
  h: usize,
  s: usize,
  other: usize,
  out: usize,
  otherOut: usize,
  hiddenSize: i32,
  summarySize: i32,
  scratch: usize,
): void {
  const hBytes: usize = (<usize>hiddenSize) << 5;
  const firstBytes: usize = (<usize>HEAD_FIRST_ROWS) << 5;
  const shared: usize = scratch + firstBytes + ((<usize>HEAD_SECOND_ROWS) << 5);
  const w = sharedPart(packed, h, h + hBytes, s, summarySize, shared);
  memory.copy(scratch, shared, firstBytes);
  remainingPart(w, s, summarySize, scratch, out);
  memory.copy(scratch, shared, firstBytes);
  remainingPart(w, other, summarySize, scratch, otherOut);
  quantiles(out, 0, out, 0, 1);
  quantiles(otherOut, 0, otherOut, 0, 1);
}
