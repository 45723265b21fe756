/**
 * Products of packed weights with one tile, four rows at a time: 4 rows x 2 vectors are eight
 * accumulators, the most that stay in x64's 16 registers beside a weight, two inputs and a product.
 *
 * Weights are packed in blocks of four rows: the four biases, then column by column four weights.
 * Unrolling by hand makes it slower: V8 unrolls by four itself, and needs an address register for
 * each further constant offset of a splatting load.
 */

import { madd } from "../simd/madd";

/** out = W [first; second] + b */
export const AFFINE_STORE: i32 = 0;
/** out = out * (W [first; second] + b) */
export const AFFINE_SCALE: i32 = 1;
/** out = out + W [first; second] + b */
export const AFFINE_ADD: i32 = 2;

/** Bytes of a packed layer; `rows` is a multiple of 4. */
export function affinePackedBytes(rows: i32, columns: i32): i32 {
  return (rows * (1 + columns)) << 2;
}

/**
 * Packs some columns of four rows of a linear layer.
 *
 *   weight  f32[4][.]  read; the first column of the first of the four rows, `stride` bytes apart
 *   packed  f32[columns][4]  written; returns its end
 */
export function packColumns(weight: usize, packed: usize, columns: i32, stride: usize): usize {
  const end: usize = (<usize>columns) << 2;
  for (let column: usize = 0; column < end; column += 4) {
    store<f32>(packed, load<f32>(weight + column));
    store<f32>(packed, load<f32>(weight + stride + column), 4);
    store<f32>(packed, load<f32>(weight + 2 * stride + column), 8);
    store<f32>(packed, load<f32>(weight + 3 * stride + column), 12);
    packed += 16;
  }
  return packed;
}

/**
 * Packs a whole linear layer.
 *
 *   weight  f32[rows, columns]  read; PyTorch's layout
 *   bias    f32[rows]           read
 *   packed  f32[rows / 4][1 + columns][4]  written; returns its end
 */
export function packAffine(
  weight: usize,
  bias: usize,
  packed: usize,
  rows: i32,
  columns: i32,
): usize {
  for (let row: i32 = 0; row < rows; row += 4) {
    for (let at: usize = 0; at < 16; at += 4) store<f32>(packed + at, load<f32>(bias + at));
    bias += 16;
    packed = packColumns(weight, packed + 16, columns, (<usize>columns) << 2);
    weight += (<usize>columns) << 4;
  }
  return packed;
}

/**
 * One layer over one tile; `mode` says what becomes of the sums.
 *
 *   packed     f32[rows / 4][1 + columns][4]  read; returns its end
 *   first      f32[.][8] up to firstEnd       read; at least one row; the first columns
 *   second     f32[.][8] up to secondEnd      read; the columns after them; may be empty
 *   out        f32[rows][8] up to outEnd      written, read too by AFFINE_SCALE and AFFINE_ADD
 *
 * out must not overlap what is read. Sums run over the columns in order, one rounding an operation.
 */
export function affineTile(
  packed: usize,
  first: usize,
  firstEnd: usize,
  second: usize,
  secondEnd: usize,
  out: usize,
  outEnd: usize,
  mode: i32,
): usize {
  do {
    let a0 = v128.load32_splat(packed);
    let b0 = v128.load32_splat(packed, 4);
    let c0 = v128.load32_splat(packed, 8);
    let d0 = v128.load32_splat(packed, 12);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    if (mode === AFFINE_ADD) {
      a0 = f32x4.add(a0, v128.load(out));
      a1 = f32x4.add(a1, v128.load(out, 16));
      b0 = f32x4.add(b0, v128.load(out, 32));
      b1 = f32x4.add(b1, v128.load(out, 48));
      c0 = f32x4.add(c0, v128.load(out, 64));
      c1 = f32x4.add(c1, v128.load(out, 80));
      d0 = f32x4.add(d0, v128.load(out, 96));
      d1 = f32x4.add(d1, v128.load(out, 112));
    }
    packed += 16;
    let x: usize = first;
    let end: usize = firstEnd;
    let next: usize = second;
    do {
      do {
        const x0 = v128.load(x);
        const x1 = v128.load(x, 16);
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
        x += 32;
      } while (x < end);
      x = next;
      end = secondEnd;
      next = secondEnd;
    } while (x < end);
    if (mode === AFFINE_SCALE) {
      a0 = f32x4.mul(a0, v128.load(out));
      a1 = f32x4.mul(a1, v128.load(out, 16));
      b0 = f32x4.mul(b0, v128.load(out, 32));
      b1 = f32x4.mul(b1, v128.load(out, 48));
      c0 = f32x4.mul(c0, v128.load(out, 64));
      c1 = f32x4.mul(c1, v128.load(out, 80));
      d0 = f32x4.mul(d0, v128.load(out, 96));
      d1 = f32x4.mul(d1, v128.load(out, 112));
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, b0, 32);
    v128.store(out, b1, 48);
    v128.store(out, c0, 64);
    v128.store(out, c1, 80);
    v128.store(out, d0, 96);
    v128.store(out, d1, 112);
    out += 128;
  } while (out < outEnd);
  return packed;
}
