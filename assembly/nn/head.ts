/** The head: [hidden state ; summary] -> 96 SiLU -> 64 SiLU -> 48 raw -> quantiles. */

import { ENVELOPE_ROWS } from "../layout";
import { silu } from "../simd/activation";
import { AFFINE_STORE, affinePackedBytes, affineTile, packAffine } from "./affine";
import { quantiles } from "./quantiles";

export const HEAD_FIRST_ROWS: i32 = 96;
export const HEAD_SECOND_ROWS: i32 = 64;

/** Bytes that `packHead` writes. */
export function headPackedBytes(hiddenSize: i32, summarySize: i32): i32 {
  return (
    affinePackedBytes(HEAD_FIRST_ROWS, hiddenSize + summarySize) +
    affinePackedBytes(HEAD_SECOND_ROWS, HEAD_FIRST_ROWS) +
    affinePackedBytes(ENVELOPE_ROWS, HEAD_SECOND_ROWS)
  );
}

/** Bytes one call of `head` or `headRaw` needs for itself. */
export function headScratchBytes(): i32 {
  return (HEAD_FIRST_ROWS + HEAD_SECOND_ROWS) << 5;
}

/**
 * Packs the head's three layers.
 *
 *   weight0  f32[96, H + S]   bias0  f32[96]   read; PyTorch's layout
 *   weight1  f32[64, 96]      bias1  f32[64]   read
 *   weight2  f32[48, 64]      bias2  f32[48]   read
 *   packed   `headPackedBytes`                 written
 *
 * Regions must not overlap.
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
  packed = packAffine(weight0, bias0, packed, HEAD_FIRST_ROWS, hiddenSize + summarySize);
  packed = packAffine(weight1, bias1, packed, HEAD_SECOND_ROWS, HEAD_FIRST_ROWS);
  packAffine(weight2, bias2, packed, ENVELOPE_ROWS, HEAD_SECOND_ROWS);
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
  const sBytes: usize = (<usize>summarySize) << 5;
  const outBytes: usize = (<usize>ENVELOPE_ROWS) << 5;
  const second: usize = scratch + ((<usize>HEAD_FIRST_ROWS) << 5);
  const secondEnd: usize = second + ((<usize>HEAD_SECOND_ROWS) << 5);
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    const hEnd: usize = h + hBytes;
    let w = affineTile(packed, h, hEnd, s, s + sBytes, scratch, second, AFFINE_STORE);
    siluRows(scratch, second);
    w = affineTile(w, scratch, second, second, second, second, secondEnd, AFFINE_STORE);
    siluRows(second, secondEnd);
    const outEnd: usize = out + outBytes;
    affineTile(w, second, secondEnd, secondEnd, secondEnd, out, outEnd, AFFINE_STORE);
    h += hStrideBytes;
    s += sStrideBytes;
    out += outStrideBytes;
  }
}

/** SiLU in place, from one address to another. */
function siluRows(at: usize, end: usize): void {
  do {
    v128.store(at, silu(v128.load(at)));
    at += 16;
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
