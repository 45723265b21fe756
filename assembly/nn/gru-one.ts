/** One step of the GRU for a single instance, lanes over hidden units. */

import { sigmoidRows, tanh } from "../simd/activation";
import { madd } from "../simd/madd";

/**
 * Advances one instance by one sample; for answers that cannot wait for a tile.
 *
 *   packed   f32[ceil(H / 8)][4 + 3I + 3H][8]  read; made by `packGruOne`
 *   x        f32[I]   read
 *   hIn      f32[H]   read
 *   hOut     f32[H]   written
 *   scratch  f32[4][ceil(H / 8) * 8]  written; one a thread
 *
 * No two regions overlap. inputSize >= 1, hiddenSize a multiple of 4. n's sums start apart where
 * `gruStep` chains them, so the two agree within 1e-6, not to the bit: a replay keeps to one of
 * them. NaN in, NaN out.
 *
 * Six sums at work, four columns a turn, each a block of its own as in `affineTile`. The
 * activations come after all sums, in loops whose constants stay in registers. Tried and left out:
 * one gate of 32 units at a time (.70 as fast), since nine loads a column do not fit in registers
 * beside eight sums.
 */
export function gruStepOne(
  packed: usize,
  x: usize,
  hIn: usize,
  hOut: usize,
  inputSize: i32,
  hiddenSize: i32,
  scratch: usize,
): void {
  const xEnd: usize = x + ((<usize>inputSize) << 2);
  const hBytes: usize = (<usize>hiddenSize) << 2;
  const hEnd: usize = hIn + hBytes;
  const plane: usize = (hBytes + 31) & ~31;
  const end: usize = scratch + plane;
  let w: usize = packed;
  for (let at: usize = scratch; at < end; at += 32) {
    let r0 = v128.load(w);
    let r1 = v128.load(w, 16);
    let z0 = v128.load(w, 32);
    let z1 = v128.load(w, 48);
    let nx0 = v128.load(w, 64);
    let nx1 = v128.load(w, 80);
    let nh0 = v128.load(w, 96);
    let nh1 = v128.load(w, 112);
    w += 128;
    let p: usize = x;
    do {
      const a0 = v128.load32_splat(p);
      r0 = madd(v128.load(w), a0, r0);
      r1 = madd(v128.load(w, 16), a0, r1);
      z0 = madd(v128.load(w, 32), a0, z0);
      z1 = madd(v128.load(w, 48), a0, z1);
      nx0 = madd(v128.load(w, 64), a0, nx0);
      nx1 = madd(v128.load(w, 80), a0, nx1);
      p += 4;
      if (p >= xEnd) {
        w += 96;
        break;
      }
      const a1 = v128.load32_splat(p);
      r0 = madd(v128.load(w, 96), a1, r0);
      r1 = madd(v128.load(w, 112), a1, r1);
      z0 = madd(v128.load(w, 128), a1, z0);
      z1 = madd(v128.load(w, 144), a1, z1);
      nx0 = madd(v128.load(w, 160), a1, nx0);
      nx1 = madd(v128.load(w, 176), a1, nx1);
      p += 4;
      if (p >= xEnd) {
        w += 192;
        break;
      }
      const a2 = v128.load32_splat(p);
      r0 = madd(v128.load(w, 192), a2, r0);
      r1 = madd(v128.load(w, 208), a2, r1);
      z0 = madd(v128.load(w, 224), a2, z0);
      z1 = madd(v128.load(w, 240), a2, z1);
      nx0 = madd(v128.load(w, 256), a2, nx0);
      nx1 = madd(v128.load(w, 272), a2, nx1);
      p += 4;
      if (p >= xEnd) {
        w += 288;
        break;
      }
      const a3 = v128.load32_splat(p);
      r0 = madd(v128.load(w, 288), a3, r0);
      r1 = madd(v128.load(w, 304), a3, r1);
      z0 = madd(v128.load(w, 320), a3, z0);
      z1 = madd(v128.load(w, 336), a3, z1);
      nx0 = madd(v128.load(w, 352), a3, nx0);
      nx1 = madd(v128.load(w, 368), a3, nx1);
      p += 4;
      w += 384;
    } while (p < xEnd);
    p = hIn;
    do {
      const a0 = v128.load32_splat(p);
      r0 = madd(v128.load(w), a0, r0);
      r1 = madd(v128.load(w, 16), a0, r1);
      z0 = madd(v128.load(w, 32), a0, z0);
      z1 = madd(v128.load(w, 48), a0, z1);
      nh0 = madd(v128.load(w, 64), a0, nh0);
      nh1 = madd(v128.load(w, 80), a0, nh1);
      p += 4;
      if (p >= hEnd) {
        w += 96;
        break;
      }
      const a1 = v128.load32_splat(p);
      r0 = madd(v128.load(w, 96), a1, r0);
      r1 = madd(v128.load(w, 112), a1, r1);
      z0 = madd(v128.load(w, 128), a1, z0);
      z1 = madd(v128.load(w, 144), a1, z1);
      nh0 = madd(v128.load(w, 160), a1, nh0);
      nh1 = madd(v128.load(w, 176), a1, nh1);
      p += 4;
      if (p >= hEnd) {
        w += 192;
        break;
      }
      const a2 = v128.load32_splat(p);
      r0 = madd(v128.load(w, 192), a2, r0);
      r1 = madd(v128.load(w, 208), a2, r1);
      z0 = madd(v128.load(w, 224), a2, z0);
      z1 = madd(v128.load(w, 240), a2, z1);
      nh0 = madd(v128.load(w, 256), a2, nh0);
      nh1 = madd(v128.load(w, 272), a2, nh1);
      p += 4;
      if (p >= hEnd) {
        w += 288;
        break;
      }
      const a3 = v128.load32_splat(p);
      r0 = madd(v128.load(w, 288), a3, r0);
      r1 = madd(v128.load(w, 304), a3, r1);
      z0 = madd(v128.load(w, 320), a3, z0);
      z1 = madd(v128.load(w, 336), a3, z1);
      nh0 = madd(v128.load(w, 352), a3, nh0);
      nh1 = madd(v128.load(w, 368), a3, nh1);
      p += 4;
      w += 384;
    } while (p < hEnd);
    v128.store(at, r0);
    v128.store(at, r1, 16);
    let to = at + plane;
    v128.store(to, z0);
    v128.store(to, z1, 16);
    to += plane;
    v128.store(to, nx0);
    v128.store(to, nx1, 16);
    to += plane;
    v128.store(to, nh0);
    v128.store(to, nh1, 16);
  }
  sigmoidRows(scratch, end + plane);
  finish(scratch, plane, hIn, hOut, hEnd);
}

/** n = tanh(nx + r * nh), then n + z * (h - n). */
function finish(r: usize, plane: usize, h: usize, out: usize, hEnd: usize): void {
  let z: usize = r + plane;
  let nx: usize = z + plane;
  let nh: usize = nx + plane;
  do {
    const n = tanh(f32x4.add(v128.load(nx), f32x4.mul(v128.load(r), v128.load(nh))));
    v128.store(out, f32x4.add(n, f32x4.mul(v128.load(z), f32x4.sub(v128.load(h), n))));
    r += 16;
    z += 16;
    nx += 16;
    nh += 16;
    h += 16;
    out += 16;
  } while (h < hEnd);
}
