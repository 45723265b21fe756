/** One step of the GRU over tiles of 8 instances. */

import { sigmoid, tanh } from "../simd/activation";
import { madd } from "../simd/madd";

/**
 * Advances the hidden state of every instance whose lane mask is set by one sample.
 *
 *   packed  f32[H][4 + 3I + 3H]  read; made by `packGru`
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
  const all = i32x4.splat(-1);
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    const keep0 = mask === 0 ? all : v128.load(mask);
    const keep1 = mask === 0 ? all : v128.load(mask, 16);
    let w: usize = packed;
    for (let row: usize = 0; row < hBytes; row += 32) {
      // One unit of 8 instances: four sums of two vectors, eight accumulators (16 registers on x64).
      let r0 = v128.load32_splat(w);
      let r1 = r0;
      let z0 = v128.load32_splat(w, 4);
      let z1 = z0;
      let nx0 = v128.load32_splat(w, 8);
      let nx1 = nx0;
      let nh0 = v128.load32_splat(w, 12);
      let nh1 = nh0;
      w += 16;
      const xEnd: usize = x + xBytes;
      for (let p: usize = x; p < xEnd; p += 32) {
        const a0 = v128.load(p);
        const a1 = v128.load(p, 16);
        const wr = v128.load32_splat(w);
        r0 = madd(wr, a0, r0);
        r1 = madd(wr, a1, r1);
        const wz = v128.load32_splat(w, 4);
        z0 = madd(wz, a0, z0);
        z1 = madd(wz, a1, z1);
        const wn = v128.load32_splat(w, 8);
        nx0 = madd(wn, a0, nx0);
        nx1 = madd(wn, a1, nx1);
        w += 12;
      }
      const hEnd: usize = hIn + hBytes;
      for (let p: usize = hIn; p < hEnd; p += 32) {
        const a0 = v128.load(p);
        const a1 = v128.load(p, 16);
        const wr = v128.load32_splat(w);
        r0 = madd(wr, a0, r0);
        r1 = madd(wr, a1, r1);
        const wz = v128.load32_splat(w, 4);
        z0 = madd(wz, a0, z0);
        z1 = madd(wz, a1, z1);
        const wn = v128.load32_splat(w, 8);
        nh0 = madd(wn, a0, nh0);
        nh1 = madd(wn, a1, nh1);
        w += 12;
      }
      const n0 = tanh(f32x4.add(nx0, f32x4.mul(sigmoid(r0), nh0)));
      const n1 = tanh(f32x4.add(nx1, f32x4.mul(sigmoid(r1), nh1)));
      const old0 = v128.load(hIn + row);
      const old1 = v128.load(hIn + row, 16);
      const new0 = f32x4.add(n0, f32x4.mul(sigmoid(z0), f32x4.sub(old0, n0)));
      const new1 = f32x4.add(n1, f32x4.mul(sigmoid(z1), f32x4.sub(old1, n1)));
      v128.store(hOut + row, v128.bitselect(new0, old0, keep0));
      v128.store(hOut + row, v128.bitselect(new1, old1, keep1), 16);
    }
    x += xStrideBytes;
    hIn += hStrideBytes;
    hOut += hStrideBytes;
    if (mask !== 0) mask += maskStrideBytes;
  }
}
