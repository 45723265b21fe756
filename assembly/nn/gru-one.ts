/** One step of the GRU for a single instance, lanes over hidden units. */

import { sigmoid, tanh } from "../simd/activation";
import { madd } from "../simd/madd";

/**
 * Advances one instance by one sample; for answers that cannot wait for a tile.
 *
 *   packed  f32[ceil(H / 8)][4 + 3I + 3H][8]  read; made by `packGruOne`
 *   x       f32[I]   read
 *   hIn     f32[H]   read
 *   hOut    f32[H]   written
 *
 * hIn and hOut must not overlap. hiddenSize a multiple of 4. n's sums start apart where `gruStep`
 * chains them, so the two agree within 1e-6, not to the bit: a replay keeps to one of them. NaN in,
 * NaN out.
 *
 * Tried and left out: the passes of `gruStep`, one gate of 32 units at a time. It loads nine vectors
 * for eight products where this loads seven for six, and took 518 against 389 ns at H = 32 (AMD
 * EPYC, Zen 4, Node 20).
 */
export function gruStepOne(
  packed: usize,
  x: usize,
  hIn: usize,
  hOut: usize,
  inputSize: i32,
  hiddenSize: i32,
): void {
  const xEnd: usize = x + ((<usize>inputSize) << 2);
  const hBytes: usize = (<usize>hiddenSize) << 2;
  const hEnd: usize = hIn + hBytes;
  let w: usize = packed;
  for (let row: usize = 0; row < hBytes; row += 32) {
    let r0 = v128.load(w);
    let r1 = v128.load(w, 16);
    let z0 = v128.load(w, 32);
    let z1 = v128.load(w, 48);
    let nx0 = v128.load(w, 64);
    let nx1 = v128.load(w, 80);
    let nh0 = v128.load(w, 96);
    let nh1 = v128.load(w, 112);
    w += 128;
    for (let p: usize = x; p < xEnd; p += 4) {
      const a = v128.load32_splat(p);
      r0 = madd(v128.load(w), a, r0);
      r1 = madd(v128.load(w, 16), a, r1);
      z0 = madd(v128.load(w, 32), a, z0);
      z1 = madd(v128.load(w, 48), a, z1);
      nx0 = madd(v128.load(w, 64), a, nx0);
      nx1 = madd(v128.load(w, 80), a, nx1);
      w += 96;
    }
    for (let p: usize = hIn; p < hEnd; p += 4) {
      const a = v128.load32_splat(p);
      r0 = madd(v128.load(w), a, r0);
      r1 = madd(v128.load(w, 16), a, r1);
      z0 = madd(v128.load(w, 32), a, z0);
      z1 = madd(v128.load(w, 48), a, z1);
      nh0 = madd(v128.load(w, 64), a, nh0);
      nh1 = madd(v128.load(w, 80), a, nh1);
      w += 96;
    }
    const n0 = tanh(f32x4.add(nx0, f32x4.mul(sigmoid(r0), nh0)));
    const old0 = v128.load(hIn + row);
    v128.store(hOut + row, f32x4.add(n0, f32x4.mul(sigmoid(z0), f32x4.sub(old0, n0))));
    // H is a multiple of 4: the last block may hold four units only.
    if (row + 16 < hBytes) {
      const n1 = tanh(f32x4.add(nx1, f32x4.mul(sigmoid(r1), nh1)));
      const old1 = v128.load(hIn + row, 16);
      v128.store(hOut + row, f32x4.add(n1, f32x4.mul(sigmoid(z1), f32x4.sub(old1, n1))), 16);
    }
  }
}
