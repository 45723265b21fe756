/**
 * Products of packed weights with one tile, four rows at a time: 4 rows x 2 vectors are eight
 * accumulators, the most that stay in x64's 16 registers beside a weight, two inputs and a product.
 *
 * Weights are packed in blocks of four rows: the four biases, then column by column four weights.
 * A column is 22 instructions, as many as four turns of the clock start beside what steers the loop,
 * so four columns share it. Each column is a block of its own, ended by a branch that is hardly ever
 * taken: within one block V8 would put the loads of all four first, and run out of registers; and
 * `packed` moves with each column, since every further offset of a splatting load costs a register.
 */

import { madd } from "../simd/madd";

/** out = W [first; second] + b */
export const AFFINE_STORE: i32 = 0;
/** out = out * (W first + b) + V second + c; c is packed behind the columns of `first` */
export const AFFINE_GATE: i32 = 1;
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
 *   packed     f32[rows / 4][1 + columns][4]  read; returns its end; AFFINE_GATE: 2 + columns
 *   first      f32[.][8] up to firstEnd       read; at least one row; the first columns
 *   second     f32[.][8] up to secondEnd      read; the columns after them; may be empty
 *   out        f32[rows][8] up to outEnd      written, read too by AFFINE_GATE and AFFINE_ADD
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
    let end: usize = packed + ((firstEnd - first) >> 1);
    do {
      const x0 = v128.load(x);
      const y0 = v128.load(x, 16);
      const wa0 = v128.load32_splat(packed);
      a0 = madd(wa0, x0, a0);
      a1 = madd(wa0, y0, a1);
      const wb0 = v128.load32_splat(packed, 4);
      b0 = madd(wb0, x0, b0);
      b1 = madd(wb0, y0, b1);
      const wc0 = v128.load32_splat(packed, 8);
      c0 = madd(wc0, x0, c0);
      c1 = madd(wc0, y0, c1);
      const wd0 = v128.load32_splat(packed, 12);
      d0 = madd(wd0, x0, d0);
      d1 = madd(wd0, y0, d1);
      packed += 16;
      if (packed >= end) break;
      const x1 = v128.load(x, 32);
      const y1 = v128.load(x, 48);
      const wa1 = v128.load32_splat(packed);
      a0 = madd(wa1, x1, a0);
      a1 = madd(wa1, y1, a1);
      const wb1 = v128.load32_splat(packed, 4);
      b0 = madd(wb1, x1, b0);
      b1 = madd(wb1, y1, b1);
      const wc1 = v128.load32_splat(packed, 8);
      c0 = madd(wc1, x1, c0);
      c1 = madd(wc1, y1, c1);
      const wd1 = v128.load32_splat(packed, 12);
      d0 = madd(wd1, x1, d0);
      d1 = madd(wd1, y1, d1);
      packed += 16;
      if (packed >= end) break;
      const x2 = v128.load(x, 64);
      const y2 = v128.load(x, 80);
      const wa2 = v128.load32_splat(packed);
      a0 = madd(wa2, x2, a0);
      a1 = madd(wa2, y2, a1);
      const wb2 = v128.load32_splat(packed, 4);
      b0 = madd(wb2, x2, b0);
      b1 = madd(wb2, y2, b1);
      const wc2 = v128.load32_splat(packed, 8);
      c0 = madd(wc2, x2, c0);
      c1 = madd(wc2, y2, c1);
      const wd2 = v128.load32_splat(packed, 12);
      d0 = madd(wd2, x2, d0);
      d1 = madd(wd2, y2, d1);
      packed += 16;
      if (packed >= end) break;
      const x3 = v128.load(x, 96);
      const y3 = v128.load(x, 112);
      const wa3 = v128.load32_splat(packed);
      a0 = madd(wa3, x3, a0);
      a1 = madd(wa3, y3, a1);
      const wb3 = v128.load32_splat(packed, 4);
      b0 = madd(wb3, x3, b0);
      b1 = madd(wb3, y3, b1);
      const wc3 = v128.load32_splat(packed, 8);
      c0 = madd(wc3, x3, c0);
      c1 = madd(wc3, y3, c1);
      const wd3 = v128.load32_splat(packed, 12);
      d0 = madd(wd3, x3, d0);
      d1 = madd(wd3, y3, d1);
      packed += 16;
      x += 128;
    } while (packed < end);
    if (second < secondEnd) {
      if (mode === AFFINE_GATE) {
        const biasA = v128.load32_splat(packed);
        a0 = madd(a0, v128.load(out), biasA);
        a1 = madd(a1, v128.load(out, 16), biasA);
        const biasB = v128.load32_splat(packed, 4);
        b0 = madd(b0, v128.load(out, 32), biasB);
        b1 = madd(b1, v128.load(out, 48), biasB);
        const biasC = v128.load32_splat(packed, 8);
        c0 = madd(c0, v128.load(out, 64), biasC);
        c1 = madd(c1, v128.load(out, 80), biasC);
        const biasD = v128.load32_splat(packed, 12);
        d0 = madd(d0, v128.load(out, 96), biasD);
        d1 = madd(d1, v128.load(out, 112), biasD);
        packed += 16;
      }
      x = second;
      end = packed + ((secondEnd - second) >> 1);
      do {
        const x0 = v128.load(x);
        const y0 = v128.load(x, 16);
        const wa0 = v128.load32_splat(packed);
        a0 = madd(wa0, x0, a0);
        a1 = madd(wa0, y0, a1);
        const wb0 = v128.load32_splat(packed, 4);
        b0 = madd(wb0, x0, b0);
        b1 = madd(wb0, y0, b1);
        const wc0 = v128.load32_splat(packed, 8);
        c0 = madd(wc0, x0, c0);
        c1 = madd(wc0, y0, c1);
        const wd0 = v128.load32_splat(packed, 12);
        d0 = madd(wd0, x0, d0);
        d1 = madd(wd0, y0, d1);
        packed += 16;
        if (packed >= end) break;
        const x1 = v128.load(x, 32);
        const y1 = v128.load(x, 48);
        const wa1 = v128.load32_splat(packed);
        a0 = madd(wa1, x1, a0);
        a1 = madd(wa1, y1, a1);
        const wb1 = v128.load32_splat(packed, 4);
        b0 = madd(wb1, x1, b0);
        b1 = madd(wb1, y1, b1);
        const wc1 = v128.load32_splat(packed, 8);
        c0 = madd(wc1, x1, c0);
        c1 = madd(wc1, y1, c1);
        const wd1 = v128.load32_splat(packed, 12);
        d0 = madd(wd1, x1, d0);
        d1 = madd(wd1, y1, d1);
        packed += 16;
        if (packed >= end) break;
        const x2 = v128.load(x, 64);
        const y2 = v128.load(x, 80);
        const wa2 = v128.load32_splat(packed);
        a0 = madd(wa2, x2, a0);
        a1 = madd(wa2, y2, a1);
        const wb2 = v128.load32_splat(packed, 4);
        b0 = madd(wb2, x2, b0);
        b1 = madd(wb2, y2, b1);
        const wc2 = v128.load32_splat(packed, 8);
        c0 = madd(wc2, x2, c0);
        c1 = madd(wc2, y2, c1);
        const wd2 = v128.load32_splat(packed, 12);
        d0 = madd(wd2, x2, d0);
        d1 = madd(wd2, y2, d1);
        packed += 16;
        if (packed >= end) break;
        const x3 = v128.load(x, 96);
        const y3 = v128.load(x, 112);
        const wa3 = v128.load32_splat(packed);
        a0 = madd(wa3, x3, a0);
        a1 = madd(wa3, y3, a1);
        const wb3 = v128.load32_splat(packed, 4);
        b0 = madd(wb3, x3, b0);
        b1 = madd(wb3, y3, b1);
        const wc3 = v128.load32_splat(packed, 8);
        c0 = madd(wc3, x3, c0);
        c1 = madd(wc3, y3, c1);
        const wd3 = v128.load32_splat(packed, 12);
        d0 = madd(wd3, x3, d0);
        d1 = madd(wd3, y3, d1);
        packed += 16;
        x += 128;
      } while (packed < end);
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
