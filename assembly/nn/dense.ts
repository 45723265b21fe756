/** Fully connected layers over one tile, four output rows at a time. */

import { silu } from "../simd/activation";
import { madd } from "../simd/madd";

/** Bytes of a packed layer; `rows` is a multiple of 4. */
export function densePackedBytes(rows: i32, columns: i32): i32 {
  return (rows * (1 + columns)) << 2;
}

/**
 * Packs a linear layer: of four rows at a time the biases, then the weights column by column.
 *
 *   weight  f32[rows, columns]  read; PyTorch's layout
 *   bias    f32[rows]           read
 *   packed  f32[rows / 4][1 + columns][4]  written; returns its end
 */
export function packDense(
  weight: usize,
  bias: usize,
  packed: usize,
  rows: i32,
  columns: i32,
): usize {
  const stride: usize = (<usize>columns) << 2;
  for (let row: i32 = 0; row < rows; row += 4) {
    v128.store(packed, v128.load(bias));
    bias += 16;
    packed += 16;
    for (let column: usize = 0; column < stride; column += 4) {
      store<f32>(packed, load<f32>(weight + column));
      store<f32>(packed, load<f32>(weight + stride + column), 4);
      store<f32>(packed, load<f32>(weight + 2 * stride + column), 8);
      store<f32>(packed, load<f32>(weight + 3 * stride + column), 12);
      packed += 16;
    }
    weight += 4 * stride;
  }
  return packed;
}

/**
 * One layer over one tile: out = activation(W [first; second] + b).
 *
 *   packed  f32[rows / 4][1 + columns][4]  read; made by `packDense`
 *   first   f32[firstBytes / 32][8]   read; the first columns
 *   second  f32[secondBytes / 32][8]  read; the columns after them; may be empty
 *   out     f32[rows][8]              written; must not overlap what is read
 */
export function denseTile(
  packed: usize,
  first: usize,
  firstBytes: usize,
  second: usize,
  secondBytes: usize,
  out: usize,
  rows: i32,
  activated: bool,
): usize {
  for (let row: i32 = 0; row < rows; row += 4) {
    let a0 = v128.load32_splat(packed);
    let b0 = v128.load32_splat(packed, 4);
    let c0 = v128.load32_splat(packed, 8);
    let d0 = v128.load32_splat(packed, 12);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    packed += 16;
    let source: usize = first;
    let end: usize = first + firstBytes;
    for (let part: i32 = 0; part < 2; ++part) {
      for (; source < end; source += 32) {
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
      }
      source = second;
      end = second + secondBytes;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, b0, 32);
    v128.store(out, b1, 48);
    v128.store(out, c0, 64);
    v128.store(out, c1, 80);
    v128.store(out, d0, 96);
    v128.store(out, d1, 112);
    if (activated) {
      for (let at: usize = 0; at < 128; at += 32) {
        v128.store(out + at, silu(v128.load(out + at)));
        v128.store(out + at, silu(v128.load(out + at, 16)), 16);
      }
    }
    out += 128;
  }
  return packed;
}
