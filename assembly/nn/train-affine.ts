/**
 * Affine layers for training, over rows of lanes.
 *
 * A matrix of activations is [row][block][8]: `row` strides and `block` strides are bytes, one
 * block is eight lanes. Weights are f32[rows][inner], row-major as in torch.nn.Linear.
 */

/**
 * y = W x + b.
 *
 *   weight  f32[rows][inner]       read        bias  f32[rows]                    read
 *   x       f32[inner][blocks][8]  read        y     f32[rows][blocks][8]         written
 *
 * rows is a multiple of 4. Regions must not overlap.
 */
export function trainAffine(
  weight: usize,
  bias: usize,
  x: usize,
  y: usize,
  rows: i32,
  inner: i32,
  blocks: i32,
): void {
  const stride = (<usize>blocks) << 5;
  const gap = (<usize>inner) << 2;
  for (let block: usize = 0; block < stride; block += 32) {
    for (let row: usize = 0; row < <usize>rows; row += 4) {
      let w = weight + row * gap;
      const b = bias + (row << 2);
      let a0 = v128.load32_splat(b);
      let a1 = a0;
      let b0 = v128.load32_splat(b, 4);
      let b1 = b0;
      let c0 = v128.load32_splat(b, 8);
      let c1 = c0;
      let d0 = v128.load32_splat(b, 12);
      let d1 = d0;
      let at = x + block;
      for (let k = 0; k < inner; ++k, at += stride, w += 4) {
        const low = v128.load(at);
        const high = v128.load(at, 16);
        const wa = v128.load32_splat(w);
        a0 = f32x4.add(a0, f32x4.mul(wa, low));
        a1 = f32x4.add(a1, f32x4.mul(wa, high));
        const wb = v128.load32_splat(w + gap);
        b0 = f32x4.add(b0, f32x4.mul(wb, low));
        b1 = f32x4.add(b1, f32x4.mul(wb, high));
        const wc = v128.load32_splat(w + 2 * gap);
        c0 = f32x4.add(c0, f32x4.mul(wc, low));
        c1 = f32x4.add(c1, f32x4.mul(wc, high));
        const wd = v128.load32_splat(w + 3 * gap);
        d0 = f32x4.add(d0, f32x4.mul(wd, low));
        d1 = f32x4.add(d1, f32x4.mul(wd, high));
      }
      store4(y + row * stride + block, stride, a0, a1, b0, b1, c0, c1, d0, d1);
    }
  }
}

/**
 * dx = W^T dy for the first `columns` inputs of the layer.
 *
 *   weight  f32[rows][inner]        read
 *   dy      f32[rows][blocks][8]    read
 *   dx      f32[columns][blocks][8] written
 *
 * columns is a multiple of 4 and at most inner. Regions must not overlap.
 */
export function trainAffineInput(
  weight: usize,
  dy: usize,
  dx: usize,
  rows: i32,
  inner: i32,
  columns: i32,
  blocks: i32,
): void {
  const stride = (<usize>blocks) << 5;
  const gap = (<usize>inner) << 2;
  for (let block: usize = 0; block < stride; block += 32) {
    for (let column: usize = 0; column < <usize>columns; column += 4) {
      let w = weight + (column << 2);
      let a0 = f32x4.splat(0);
      let a1 = a0;
      let b0 = a0;
      let b1 = a0;
      let c0 = a0;
      let c1 = a0;
      let d0 = a0;
      let d1 = a0;
      let at = dy + block;
      for (let k = 0; k < rows; ++k, at += stride, w += gap) {
        const low = v128.load(at);
        const high = v128.load(at, 16);
        const wa = v128.load32_splat(w);
        a0 = f32x4.add(a0, f32x4.mul(wa, low));
        a1 = f32x4.add(a1, f32x4.mul(wa, high));
        const wb = v128.load32_splat(w, 4);
        b0 = f32x4.add(b0, f32x4.mul(wb, low));
        b1 = f32x4.add(b1, f32x4.mul(wb, high));
        const wc = v128.load32_splat(w, 8);
        c0 = f32x4.add(c0, f32x4.mul(wc, low));
        c1 = f32x4.add(c1, f32x4.mul(wc, high));
        const wd = v128.load32_splat(w, 12);
        d0 = f32x4.add(d0, f32x4.mul(wd, low));
        d1 = f32x4.add(d1, f32x4.mul(wd, high));
      }
      store4(dx + column * stride + block, stride, a0, a1, b0, b1, c0, c1, d0, d1);
    }
  }
}

function store4(
  out: usize,
  stride: usize,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out + stride, b0);
  v128.store(out + stride, b1, 16);
  v128.store(out + 2 * stride, c0);
  v128.store(out + 2 * stride, c1, 16);
  v128.store(out + 3 * stride, d0);
  v128.store(out + 3 * stride, d1, 16);
}

/**
 * out += dy x^T, summed over all lanes of all blocks.
 *
 *   dy   f32 rows at dy + row * dyRow + block * dyBlock, 8 lanes each    read
 *   x    f32 rows at x + k * xRow + block * xBlock, 8 lanes each         read
 *   out  f32[rows][inner]                                                read and written
 *
 * rows is a multiple of 4, inner any number. Eight accumulators, added across lanes at the end.
 */
export function trainWeightGradient(
  dy: usize,
  dyRow: i32,
  dyBlock: i32,
  x: usize,
  xRow: i32,
  xBlock: i32,
  out: usize,
  rows: i32,
  inner: i32,
  blocks: i32,
): void {
  const pairs = inner & ~1;
  for (let row = 0; row < rows; row += 4) {
    const a = dy + <usize>row * <usize>dyRow;
    const to = out + ((<usize>row * <usize>inner) << 2);
    for (let k = 0; k < pairs; k += 2) {
      gradientPair(
        a,
        dyRow,
        dyBlock,
        x + <usize>k * <usize>xRow,
        xRow,
        xBlock,
        to + ((<usize>k) << 2),
        inner,
        blocks,
      );
    }
    if (pairs < inner) {
      const k = <usize>pairs;
      for (let index: usize = 0; index < 4; ++index) {
        const cell = to + ((index * <usize>inner + k) << 2);
        const dot = dotRow(a + index * <usize>dyRow, dyBlock, x + k * <usize>xRow, xBlock, blocks);
        store<f32>(cell, load<f32>(cell) + dot);
      }
    }
  }
}

/** Four rows of dy with two rows of x. */
function gradientPair(
  a: usize,
  dyRow: i32,
  dyBlock: i32,
  x: usize,
  xRow: i32,
  xBlock: i32,
  out: usize,
  inner: i32,
  blocks: i32,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let at = a;
  let from = x;
  for (let block = 0; block < blocks; ++block, at += <usize>dyBlock, from += <usize>xBlock) {
    for (let half: usize = 0; half < 32; half += 16) {
      const left = v128.load(from + half);
      const right = v128.load(from + half + <usize>xRow);
      const first = v128.load(at + half);
      a0 = f32x4.add(a0, f32x4.mul(first, left));
      a1 = f32x4.add(a1, f32x4.mul(first, right));
      const second = v128.load(at + half + <usize>dyRow);
      b0 = f32x4.add(b0, f32x4.mul(second, left));
      b1 = f32x4.add(b1, f32x4.mul(second, right));
      const third = v128.load(at + half + 2 * <usize>dyRow);
      c0 = f32x4.add(c0, f32x4.mul(third, left));
      c1 = f32x4.add(c1, f32x4.mul(third, right));
      const fourth = v128.load(at + half + 3 * <usize>dyRow);
      d0 = f32x4.add(d0, f32x4.mul(fourth, left));
      d1 = f32x4.add(d1, f32x4.mul(fourth, right));
    }
  }
  const gap = (<usize>inner) << 2;
  addPair(out, a0, a1);
  addPair(out + gap, b0, b1);
  addPair(out + 2 * gap, c0, c1);
  addPair(out + 3 * gap, d0, d1);
}

function addPair(out: usize, left: v128, right: v128): void {
  store<f32>(out, load<f32>(out) + lanesSum(left));
  store<f32>(out, load<f32>(out, 4) + lanesSum(right), 4);
}

function lanesSum(v: v128): f32 {
  const folded = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(folded, 0) + f32x4.extract_lane(folded, 1);
}

function dotRow(a: usize, aBlock: i32, x: usize, xBlock: i32, blocks: i32): f32 {
  let low = f32x4.splat(0);
  let high = low;
  for (let block = 0; block < blocks; ++block, a += <usize>aBlock, x += <usize>xBlock) {
    low = f32x4.add(low, f32x4.mul(v128.load(a), v128.load(x)));
    high = f32x4.add(high, f32x4.mul(v128.load(a, 16), v128.load(x, 16)));
  }
  return lanesSum(f32x4.add(low, high));
}

/**
 * out[row] += sum of a row over all lanes of all blocks: the gradient of a bias.
 *
 *   dy   f32 rows at dy + row * dyRow + block * 32, 8 lanes each    read
 *   out  f32[rows]                                                  read and written
 */
export function trainBiasGradient(dy: usize, dyRow: i32, out: usize, rows: i32, blocks: i32): void {
  for (let row: usize = 0; row < <usize>rows; ++row) {
    let at = dy + row * <usize>dyRow;
    const end = at + ((<usize>blocks) << 5);
    let low = f32x4.splat(0);
    let high = low;
    for (; at < end; at += 32) {
      low = f32x4.add(low, v128.load(at));
      high = f32x4.add(high, v128.load(at, 16));
    }
    const cell = out + (row << 2);
    store<f32>(cell, load<f32>(cell) + lanesSum(f32x4.add(low, high)));
  }
}

/**
 * Copies lane rows: row i goes from `from + i * fromRow` to `to + i * toRow`, 32 bytes each.
 * Regions must not overlap.
 */
export function copyLaneRows(from: usize, fromRow: i32, to: usize, toRow: i32, rows: i32): void {
  for (let row = 0; row < rows; ++row, from += <usize>fromRow, to += <usize>toRow) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}
