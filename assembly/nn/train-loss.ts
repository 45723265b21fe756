/** SiLU and the quantile loss with their gradients, over rows of lanes. */

import { sigmoid, silu } from "../simd/activation";
import { asinh, softplus } from "../simd/logarithm";

/**
 * y = x * sigmoid(x), f32[count] each; count is a multiple of 4. In place is allowed.
 */
export function trainSilu(x: usize, y: usize, count: i32): void {
  const bytes = (<usize>count) << 2;
  for (let at: usize = 0; at < bytes; at += 16) v128.store(y + at, silu(v128.load(x + at)));
}

/**
 * gradient *= d silu(x) / dx = s (1 + x (1 - s)), f32[count] each; count is a multiple of 4.
 *
 *   x         what went into the activation    read
 *   gradient  dL/dy in, dL/dx out              written
 */
export function trainSiluGradient(x: usize, gradient: usize, count: i32): void {
  const one = f32x4.splat(1.0);
  const bytes = (<usize>count) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const value = v128.load(x + at);
    const s = sigmoid(value);
    const slope = f32x4.mul(s, f32x4.add(one, f32x4.mul(value, f32x4.sub(one, s))));
    v128.store(gradient + at, f32x4.mul(v128.load(gradient + at), slope));
  }
}

/**
 * Pinball loss of non-crossing quantiles and its gradient with respect to the head's raw outputs.
 *
 *   raw     f32[needs * 4][blocks][8]  q0 = raw0, qk = q(k-1) + softplus(raw k)
 *           in: the head's outputs; out: gradient of the loss's SUM         read and written
 *   target  f32[needs][blocks][8]      truth in the same space; NaN = no truth, left out    read
 *   levels  f32[8]                     quantile levels, rising, then how much each weighs   read
 *   result  f64[2]                     sum of the losses, number of terms                   written
 *
 * The caller divides by the number of terms, over all batches that belong together. The gradient
 * at a tie is 0. Lanes whose target is NaN get gradient 0, also when raw is NaN.
 */
export function trainPinball(
  raw: usize,
  target: usize,
  levels: usize,
  result: usize,
  needs: i32,
  blocks: i32,
): void {
  let sum: f64 = 0;
  let terms: f64 = 0;
  const stride = (<usize>blocks) << 5;
  for (let need: usize = 0; need < <usize>needs; ++need) {
    for (let at: usize = 0; at < stride; at += 16) {
      const truth = v128.load(target + need * stride + at);
      const seen = f32x4.eq(truth, truth);
      const loss = pinballNeed(raw + need * 4 * stride + at, stride, truth, seen, levels);
      sum +=
        <f64>f32x4.extract_lane(loss, 0) +
        <f64>f32x4.extract_lane(loss, 1) +
        (<f64>f32x4.extract_lane(loss, 2) + <f64>f32x4.extract_lane(loss, 3));
      terms += <f64>(popcnt<i32>(i32x4.bitmask(seen)) << 2);
    }
  }
  store<f64>(result, sum);
  store<f64>(result, terms, 8);
}

/** Four lanes of one need: returns the loss summed over the levels, replaces raw by its gradient. */
function pinballNeed(raw: usize, stride: usize, truth: v128, seen: v128, levels: usize): v128 {
  const second = raw + stride;
  const third = second + stride;
  const fourth = third + stride;
  const x1 = v128.load(second);
  const x2 = v128.load(third);
  const x3 = v128.load(fourth);
  const q0 = v128.load(raw);
  const q1 = f32x4.add(q0, softplus(x1));
  const q2 = f32x4.add(q1, softplus(x2));
  const q3 = f32x4.add(q2, softplus(x3));
  const w0 = v128.load32_splat(levels, 16);
  const w1 = v128.load32_splat(levels, 20);
  const w2 = v128.load32_splat(levels, 24);
  const w3 = v128.load32_splat(levels, 28);
  let loss = f32x4.mul(w0, pinball(truth, q0, v128.load32_splat(levels)));
  loss = f32x4.add(loss, f32x4.mul(w1, pinball(truth, q1, v128.load32_splat(levels, 4))));
  loss = f32x4.add(loss, f32x4.mul(w2, pinball(truth, q2, v128.load32_splat(levels, 8))));
  loss = f32x4.add(loss, f32x4.mul(w3, pinball(truth, q3, v128.load32_splat(levels, 12))));
  // A raw output moves its own quantile and all above it.
  let slope = f32x4.mul(w3, pinballSlope(truth, q3, v128.load32_splat(levels, 12)));
  v128.store(fourth, v128.and(f32x4.mul(slope, sigmoid(x3)), seen));
  const slope2 = pinballSlope(truth, q2, v128.load32_splat(levels, 8));
  slope = f32x4.add(slope, f32x4.mul(w2, slope2));
  v128.store(third, v128.and(f32x4.mul(slope, sigmoid(x2)), seen));
  const slope1 = pinballSlope(truth, q1, v128.load32_splat(levels, 4));
  slope = f32x4.add(slope, f32x4.mul(w1, slope1));
  v128.store(second, v128.and(f32x4.mul(slope, sigmoid(x1)), seen));
  slope = f32x4.add(slope, f32x4.mul(w0, pinballSlope(truth, q0, v128.load32_splat(levels))));
  v128.store(raw, v128.and(slope, seen));
  return v128.and(loss, seen);
}

/** max(level (y - q), (level - 1) (y - q)) */
function pinball(truth: v128, quantile: v128, level: v128): v128 {
  const error = f32x4.sub(truth, quantile);
  const under = f32x4.mul(level, error);
  return f32x4.max(under, f32x4.sub(under, error));
}

/** -level below the truth, 1 - level above it, 0 at a tie. */
function pinballSlope(truth: v128, quantile: v128, level: v128): v128 {
  const below = v128.and(f32x4.gt(truth, quantile), f32x4.neg(level));
  const above = v128.and(f32x4.lt(truth, quantile), f32x4.sub(f32x4.splat(1.0), level));
  return v128.or(below, above);
}

/**
 * out = asinh(value / scale), element by element: how truths and baselines enter the space in
 * which the net is scored. f32[count] each; count is a multiple of 4. NaN stays NaN.
 */
export function asinhRatio(value: usize, scale: usize, out: usize, count: i32): void {
  const bytes = (<usize>count) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(out + at, asinh(f32x4.div(v128.load(value + at), v128.load(scale + at))));
  }
}
