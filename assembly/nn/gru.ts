/** One step of the GRU over tiles of 8 instances. */

import { sigmoid, tanh } from "../simd/activation";
import { madd } from "../simd/madd";
import { AFFINE_ADD, AFFINE_SCALE, AFFINE_STORE, affineTile } from "./affine";

/**
 * Advances the hidden state of every instance whose lane mask is set by one sample.
 *
 *   packed  `gruPackedBytes`     read; made by `packGru`
 *   x       f32[I][8] a tile     read; tiles `xStrideBytes` apart
 *   hIn     f32[H][8] a tile     read; tiles `hStrideBytes` apart
 *   hOut    f32[H][8] a tile     written; tiles `hStrideBytes` apart
 *   mask    u32[8] a tile        read; all ones = step, 0 = hOut gets the bits of hIn. Tiles
 *                                `maskStrideBytes` apart; address 0 = every lane steps
 *
 * hIn and hOut must not overlap. inputSize >= 1, hiddenSize a multiple of 4. A NaN in a lane stays
 * in that lane. Each lane's bits depend on that lane and the weights only: not on the batch, nor on
 * the place in it. r = s(.), z = s(.), n = tanh(nx + r * nh), h' = n + z * (h - n), the gates as in
 * torch.nn.GRU (r multiplies after the product). Reference: `gruStepReference`.
 *
 * Five passes over a tile, each with all eight accumulators at work or as one activation loop; hOut
 * itself holds r, then r * nh, then n between them, so that no scratch is needed. One unit's four
 * sums at once (r, z, nx, nh) with its activations behind them took 1.45 times as long: six of
 * eight accumulators idle in turn, and the chain sigmoid - tanh - blend waits for itself.
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
): void {
  const xBytes: usize = (<usize>inputSize) << 5;
  const hBytes: usize = (<usize>hiddenSize) << 5;
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    const xEnd: usize = x + xBytes;
    const hEnd: usize = hIn + hBytes;
    const outEnd: usize = hOut + hBytes;
    let w = affineTile(packed, x, xEnd, hIn, hEnd, hOut, outEnd, AFFINE_STORE);
    let at: usize = hOut;
    do {
      v128.store(at, sigmoid(v128.load(at)));
      at += 16;
    } while (at < outEnd);
    w = affineTile(w, hIn, hEnd, hEnd, hEnd, hOut, outEnd, AFFINE_SCALE);
    w = affineTile(w, x, xEnd, xEnd, xEnd, hOut, outEnd, AFFINE_ADD);
    at = hOut;
    do {
      v128.store(at, tanh(v128.load(at)));
      at += 16;
    } while (at < outEnd);
    blendTile(w, x, xEnd, hIn, hEnd, hOut, mask);
    x += xStrideBytes;
    hIn += hStrideBytes;
    hOut += hStrideBytes;
    if (mask !== 0) mask += maskStrideBytes;
  }
}

/** n + s(z) * (h - n) where the mask is set, h elsewhere. */
function blend(z: v128, n: usize, h: usize, keep: v128): void {
  const fresh = v128.load(n);
  const old = v128.load(h);
  const next = madd(sigmoid(z), f32x4.sub(old, fresh), fresh);
  v128.store(n, v128.bitselect(next, old, keep));
}

/** The pass of z, as in `affineTile`; `out` holds n and becomes the new state. */
function blendTile(
  packed: usize,
  x: usize,
  xEnd: usize,
  h: usize,
  hEnd: usize,
  out: usize,
  mask: usize,
): void {
  const all = i32x4.splat(-1);
  const keep0 = mask === 0 ? all : v128.load(mask);
  const keep1 = mask === 0 ? all : v128.load(mask, 16);
  let old: usize = h;
  do {
    let a0 = v128.load32_splat(packed);
    let b0 = v128.load32_splat(packed, 4);
    let c0 = v128.load32_splat(packed, 8);
    let d0 = v128.load32_splat(packed, 12);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    packed += 16;
    let source: usize = x;
    let end: usize = xEnd;
    let next: usize = h;
    do {
      do {
        const x0 = v128.load(source);
        const x1 = v128.load(source, 16);
        const wa = v128.load32_splat(packed);
        a0 = madd(wa, x0, a0);
        a1 = madd(wa, x1, a1);
        const wb = v128.load32_splat(packed, 4);
        b0 = madd(wb, x0, b0);
        b1 = madd(wb, x1, b1);
        const wc = v128.load32_splat(packed, 8);
        c0 = madd(wc, x0, c0);
        c1 = madd(wc, x1, c1);
        const wd = v128.load32_splat(packed, 12);
        d0 = madd(wd, x0, d0);
        d1 = madd(wd, x1, d1);
        packed += 16;
        source += 32;
      } while (source < end);
      source = next;
      end = hEnd;
      next = hEnd;
    } while (source < end);
    blend(a0, out, old, keep0);
    blend(a1, out + 16, old + 16, keep1);
    blend(b0, out + 32, old + 32, keep0);
    blend(b1, out + 48, old + 48, keep1);
    blend(c0, out + 64, old + 64, keep0);
    blend(c1, out + 80, old + 80, keep1);
    blend(d0, out + 96, old + 96, keep0);
    blend(d1, out + 112, old + 112, keep1);
    out += 128;
    old += 128;
  } while (old < hEnd);
}
