/** One step of the GRU over tiles of 8 instances. */

import { sigmoidRows, tanhRows } from "../simd/activation";
import { madd } from "../simd/madd";
import { AFFINE_GATE, AFFINE_STORE, affineTile } from "./affine";

/**
 * Advances the hidden state of every instance whose lane mask is set by one sample.
 *
 *   packed  `gruPackedBytes`     read; made by `packGru`
 *   x       f32[I][8] a tile     read; tiles `xStrideBytes` apart
 *   hIn     f32[H][8] a tile     read; tiles `hStrideBytes` apart
 *   hOut    f32[H][8] a tile     written; tiles `hStrideBytes` apart
 *   mask    u32[8] a tile        read; all ones = step, 0 = hOut gets the bits of hIn. Tiles
 *                                `maskStrideBytes` apart; address 0 = every lane steps
 *   scratch f32[H][8]            written; one a thread
 *
 * No two regions overlap. inputSize >= 1, hiddenSize a multiple of 4. A NaN in a lane stays
 * in that lane. Each lane's bits depend on that lane and the weights only: not on the batch, nor on
 * the place in it. r = s(.), z = s(.), n = tanh(nx + r * nh), h' = n + z * (h - n), the gates as in
 * torch.nn.GRU (r multiplies after the product). Reference: `gruStepReference`.
 *
 * Three products over a tile, each with all eight accumulators at work, with activation loops between
 * them; hOut itself holds r, then n. One unit's four sums at once (r, z, nx, nh) with its activations
 * behind them took 1.45 times as long: six of eight accumulators idle in turn, and the chain
 * sigmoid - tanh - blend waits for itself.
 */
export function gruStep(
  packed: usize,
  x: usize,
  xStrideBytes: usize,
  hIn: usize,
  hOut: usize,
  hStrideBytes: usize,
  mask: usize,
  maskStrideBytes: usize,
  tileCount: i32,
  inputSize: i32,
  hiddenSize: i32,
  scratch: usize,
): void {
  const scratchEnd: usize = scratch + ((<usize>hiddenSize) << 5);
  const xBytes: usize = (<usize>inputSize) << 5;
  const hBytes: usize = (<usize>hiddenSize) << 5;
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    const xEnd: usize = x + xBytes;
    const hEnd: usize = hIn + hBytes;
    const outEnd: usize = hOut + hBytes;
    let w = affineTile(packed, x, xEnd, hIn, hEnd, hOut, outEnd, AFFINE_STORE);
    sigmoidRows(hOut, outEnd);
    w = affineTile(w, hIn, hEnd, x, xEnd, hOut, outEnd, AFFINE_GATE);
    affineTile(w, x, xEnd, hIn, hEnd, scratch, scratchEnd, AFFINE_STORE);
    sigmoidRows(scratch, scratchEnd);
    tanhRows(hOut, outEnd);
    blendRows(scratch, hIn, hOut, outEnd, mask);
    x += xStrideBytes;
    hIn += hStrideBytes;
    hOut += hStrideBytes;
    if (mask !== 0) mask += maskStrideBytes;
  }
}

/** n + z * (h - n) where the mask is set, h elsewhere; `out` holds n. */
function blendRows(z: usize, h: usize, out: usize, outEnd: usize, mask: usize): void {
  const all = i32x4.splat(-1);
  const keep0 = mask === 0 ? all : v128.load(mask);
  const keep1 = mask === 0 ? all : v128.load(mask, 16);
  do {
    const n0 = v128.load(out);
    const n1 = v128.load(out, 16);
    const old0 = v128.load(h);
    const old1 = v128.load(h, 16);
    const next0 = madd(v128.load(z), f32x4.sub(old0, n0), n0);
    const next1 = madd(v128.load(z, 16), f32x4.sub(old1, n1), n1);
    v128.store(out, v128.bitselect(next0, old0, keep0));
    v128.store(out, v128.bitselect(next1, old1, keep1), 16);
    z += 32;
    h += 32;
    out += 32;
  } while (out < outEnd);
}
