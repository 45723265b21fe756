/**
 * The recurrent layer for training: a forward pass over a window that keeps what the backward pass
 * needs, and the backward pass through time.
 *
 * Weights are read in PyTorch's row-major layout (rows in order r, z, n), because they change after
 * every batch and packing them would cost more than it saves. One call works on one tile; saved
 * rows are kept as [row][step][8], so that the weight gradients are products of contiguous rows.
 */

import { sigmoid, tanh } from "../simd/activation";

/**
 * Runs one tile through a window and saves states and gates.
 *
 *   weights    f32[3H*I + 3H*H + 6H]  weight_ih, weight_hh, bias_ih, bias_hh        read
 *   x          f32[T][I][8]           inputs                                        read
 *   mask       u32[T][8]              0 = the lane keeps its state in that step     read
 *   hidden     f32[H][T+1][8]         column 0 is the first state; 1..T are written
 *   gates      f32[4H][T][8]          r, z, n and W_hn h + b_hn                     written
 *
 * A masked lane is stored with z = 1: the state passes unchanged and so does its gradient. Regions
 * must not overlap. NaN in an input spreads over its own lane only.
 *
 * Equations: torch.nn.GRU, reset gate after the product.
 */
export function trainGruForward(
  weights: usize,
  x: usize,
  mask: usize,
  hidden: usize,
  gates: usize,
  stepCount: i32,
  inputSize: i32,
  hiddenSize: i32,
): void {
  const steps = <usize>stepCount;
  const inputs = <usize>inputSize;
  const size = <usize>hiddenSize;
  for (let t: usize = 0; t < steps; ++t) {
    const keep = mask + (t << 5);
    const keepLow = v128.load(keep);
    const keepHigh = v128.load(keep, 16);
    for (let unit: usize = 0; unit < size; ++unit) {
      forwardUnit(
        weights,
        x + t * (inputs << 5),
        hidden,
        gates,
        t,
        steps,
        inputs,
        size,
        unit,
        keepLow,
        keepHigh,
      );
    }
  }
}

/** One unit of one step: eight accumulators, the four sums of the unit for two vectors of lanes. */
function forwardUnit(
  weights: usize,
  x: usize,
  hidden: usize,
  gates: usize,
  t: usize,
  steps: usize,
  inputs: usize,
  size: usize,
  unit: usize,
  keepLow: v128,
  keepHigh: v128,
): void {
  const hiddenRow = (steps + 1) << 5;
  const gateRow = steps << 5;
  const biasIh = weights + 3 * size * (inputs + size) * 4 + (unit << 2);
  const biasHh = biasIh + 12 * size;

  const biasR = f32x4.add(v128.load32_splat(biasIh), v128.load32_splat(biasHh));
  const biasZ = f32x4.add(
    v128.load32_splat(biasIh + 4 * size),
    v128.load32_splat(biasHh + 4 * size),
  );
  let r0 = biasR;
  let r1 = biasR;
  let z0 = biasZ;
  let z1 = biasZ;
  let n0 = v128.load32_splat(biasIh + 8 * size);
  let n1 = n0;
  let m0 = v128.load32_splat(biasHh + 8 * size);
  let m1 = m0;

  let row = weights + unit * inputs * 4;
  let gap = size * inputs * 4;
  let end = x + (inputs << 5);
  for (let at = x; at < end; at += 32, row += 4) {
    const low = v128.load(at);
    const high = v128.load(at, 16);
    const wr = v128.load32_splat(row);
    r0 = f32x4.add(r0, f32x4.mul(wr, low));
    r1 = f32x4.add(r1, f32x4.mul(wr, high));
    const wz = v128.load32_splat(row + gap);
    z0 = f32x4.add(z0, f32x4.mul(wz, low));
    z1 = f32x4.add(z1, f32x4.mul(wz, high));
    const wn = v128.load32_splat(row + 2 * gap);
    n0 = f32x4.add(n0, f32x4.mul(wn, low));
    n1 = f32x4.add(n1, f32x4.mul(wn, high));
  }

  const state = hidden + (t << 5);
  row = weights + 3 * size * inputs * 4 + unit * size * 4;
  gap = size * size * 4;
  end = state + size * hiddenRow;
  for (let at = state; at < end; at += hiddenRow, row += 4) {
    const low = v128.load(at);
    const high = v128.load(at, 16);
    const wr = v128.load32_splat(row);
    r0 = f32x4.add(r0, f32x4.mul(wr, low));
    r1 = f32x4.add(r1, f32x4.mul(wr, high));
    const wz = v128.load32_splat(row + gap);
    z0 = f32x4.add(z0, f32x4.mul(wz, low));
    z1 = f32x4.add(z1, f32x4.mul(wz, high));
    const wn = v128.load32_splat(row + 2 * gap);
    m0 = f32x4.add(m0, f32x4.mul(wn, low));
    m1 = f32x4.add(m1, f32x4.mul(wn, high));
  }

  const before = state + unit * hiddenRow;
  const saved = gates + unit * gateRow + (t << 5);
  const gateBlock = size * gateRow;
  blend(before, saved, gateBlock, r0, z0, n0, m0, keepLow);
  blend(before + 16, saved + 16, gateBlock, r1, z1, n1, m1, keepHigh);
}

/** Activations, saving, and the new state of four lanes, one column right of the old one. */
function blend(
  before: usize,
  saved: usize,
  gateBlock: usize,
  sumR: v128,
  sumZ: v128,
  sumN: v128,
  sumM: v128,
  keep: v128,
): void {
  const one = f32x4.splat(1.0);
  const r = sigmoid(sumR);
  const z = v128.bitselect(sigmoid(sumZ), one, keep);
  const n = tanh(f32x4.add(sumN, f32x4.mul(r, sumM)));
  v128.store(saved, r);
  v128.store(saved + gateBlock, z);
  v128.store(saved + 2 * gateBlock, n);
  v128.store(saved + 3 * gateBlock, sumM);
  const old = v128.load(before);
  v128.store(before, f32x4.add(f32x4.mul(f32x4.sub(one, z), n), f32x4.mul(z, old)), 32);
}

/**
 * Backward through the window of one tile.
 *
 *   weightHh   f32[3H][H]       read
 *   hidden     f32[H][T+1][8]   as trainGruForward left it                                  read
 *   gates      f32[4H][T][8]    r, z, n, W_hn h + b_hn in; gradients of the three sums (with
 *                               inputs) and of the hidden part of n out                     written
 *   gradient   f32[H] rows of 8 lanes, `gradientRow` bytes apart: dL/dh after the last step in,
 *                               dL/dh before the first step out                             written
 *
 * With
 * dh = dL/dh_t, da_n = dh (1-z) (1-n^2), da_z = dh (h-n) z (1-z), da_r = da_n m r (1-r).
 */
export function trainGruBackward(
  weightHh: usize,
  hidden: usize,
  gates: usize,
  gradient: usize,
  gradientRow: i32,
  stepCount: i32,
  hiddenSize: i32,
): void {
  const steps = <usize>stepCount;
  const size = <usize>hiddenSize;
  const gateRow = steps << 5;
  const hiddenRow = (steps + 1) << 5;
  const gateBlock = size * gateRow;
  for (let t = steps; t > 0; --t) {
    const column = (t - 1) << 5;
    for (let unit: usize = 0; unit < size; ++unit) {
      const saved = gates + unit * gateRow + column;
      const before = hidden + unit * hiddenRow + column;
      const slope = gradient + unit * <usize>gradientRow;
      unblend(before, saved, gateBlock, slope);
      unblend(before + 16, saved + 16, gateBlock, slope + 16);
    }
    for (let unit: usize = 0; unit < size; unit += 4) {
      carryBack(
        weightHh + (unit << 2),
        gates + column,
        gradient + unit * <usize>gradientRow,
        <usize>gradientRow,
        gateRow,
        size,
      );
    }
  }
}

/** Gradients of one unit's sums for four lanes; leaves dh * z in the gradient row. */
function unblend(before: usize, saved: usize, gateBlock: usize, slope: usize): void {
  const one = f32x4.splat(1.0);
  const dh = v128.load(slope);
  const r = v128.load(saved);
  const z = v128.load(saved + gateBlock);
  const n = v128.load(saved + 2 * gateBlock);
  const m = v128.load(saved + 3 * gateBlock);
  const rest = f32x4.sub(one, z);
  const an = f32x4.mul(f32x4.mul(dh, rest), f32x4.sub(one, f32x4.mul(n, n)));
  const az = f32x4.mul(f32x4.mul(dh, f32x4.sub(v128.load(before), n)), f32x4.mul(z, rest));
  const ar = f32x4.mul(f32x4.mul(an, m), f32x4.mul(r, f32x4.sub(one, r)));
  v128.store(saved, ar);
  v128.store(saved + gateBlock, az);
  v128.store(saved + 2 * gateBlock, an);
  v128.store(saved + 3 * gateBlock, f32x4.mul(an, r));
  v128.store(slope, f32x4.mul(dh, z));
}

/** Adds W_hh^T B to four rows of the gradient: 4 units x 2 vectors = 8 accumulators. */
function carryBack(
  weight: usize,
  gates: usize,
  gradient: usize,
  gradientRow: usize,
  gateRow: usize,
  size: usize,
): void {
  const second = gradient + gradientRow;
  const third = second + gradientRow;
  const fourth = third + gradientRow;
  let a0 = v128.load(gradient);
  let a1 = v128.load(gradient, 16);
  let b0 = v128.load(second);
  let b1 = v128.load(second, 16);
  let c0 = v128.load(third);
  let c1 = v128.load(third, 16);
  let d0 = v128.load(fourth);
  let d1 = v128.load(fourth, 16);
  const stride = size << 2;
  // Rows r and z of the gates are adjacent; the hidden part of n is one block further than n.
  let row = weight;
  let at = gates;
  for (let part = 0; part < 2; ++part) {
    const count: usize = part === 0 ? 2 * size : size;
    for (let index: usize = 0; index < count; ++index, row += stride, at += gateRow) {
      const low = v128.load(at);
      const high = v128.load(at, 16);
      const wa = v128.load32_splat(row);
      a0 = f32x4.add(a0, f32x4.mul(wa, low));
      a1 = f32x4.add(a1, f32x4.mul(wa, high));
      const wb = v128.load32_splat(row, 4);
      b0 = f32x4.add(b0, f32x4.mul(wb, low));
      b1 = f32x4.add(b1, f32x4.mul(wb, high));
      const wc = v128.load32_splat(row, 8);
      c0 = f32x4.add(c0, f32x4.mul(wc, low));
      c1 = f32x4.add(c1, f32x4.mul(wc, high));
      const wd = v128.load32_splat(row, 12);
      d0 = f32x4.add(d0, f32x4.mul(wd, low));
      d1 = f32x4.add(d1, f32x4.mul(wd, high));
    }
    at += size * gateRow;
  }
  v128.store(gradient, a0);
  v128.store(gradient, a1, 16);
  v128.store(second, b0);
  v128.store(second, b1, 16);
  v128.store(third, c0);
  v128.store(third, c1, 16);
  v128.store(fourth, d0);
  v128.store(fourth, d1, 16);
}
