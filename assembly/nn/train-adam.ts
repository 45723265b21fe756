/** Sum of the workers' gradients, clipping by norm, and the Adam step. */

/**
 * out = sum of `blocks` gradients that lie `stride` bytes apart, added in their order, times scale.
 *
 *   gradients  f32[blocks][count]   read        out  f32[count]   written
 *
 * count is a multiple of 4; out may be the first block.
 */
export function gradientSum(
  gradients: usize,
  stride: i32,
  blocks: i32,
  out: usize,
  count: i32,
  scale: f32,
): void {
  const bytes = (<usize>count) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    let from = gradients + at;
    let sum = v128.load(from);
    for (let block = 1; block < blocks; ++block) {
      from += <usize>stride;
      sum = f32x4.add(sum, v128.load(from));
    }
    v128.store(out + at, f32x4.mul(sum, f32x4.splat(scale)));
  }
}

/** Sum of squares of f32[count] in f64, in index order over four running sums. */
export function squaredNorm(values: usize, count: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const end = values + ((<usize>count) << 2);
  for (let at = values; at < end; at += 16) {
    const v = v128.load(at);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/**
 * One Adam step (Kingma and Ba, 2015) with clipping and bias correction passed in as factors.
 *
 *   weights   f32[count]   read and written
 *   gradient  f32[count]   read
 *   mean      f32[count]   first moment, read and written
 *   square    f32[count]   second moment, read and written
 *
 *   g = gradient * clip; mean = b1 mean + (1-b1) g; square = b2 square + (1-b2) g^2
 *   weights = keep * weights - step * mean / (sqrt(square * squareCorrection) + epsilon)
 *
 * step is the learning rate over 1 - b1^t, squareCorrection is 1 / (1 - b2^t), keep is 1 - rate *
 * decay (Loshchilov and Hutter, 2019), 1 without decay. count is a multiple of 4. A NaN gradient
 * poisons its own weight: the caller checks the norm first.
 */
export function adamStep(
  weights: usize,
  gradient: usize,
  mean: usize,
  square: usize,
  count: i32,
  clip: f32,
  step: f32,
  beta1: f32,
  beta2: f32,
  squareCorrection: f32,
  epsilon: f32,
  keep: f32,
): void {
  const bytes = (<usize>count) << 2;
  const keep1 = f32x4.splat(beta1);
  const keep2 = f32x4.splat(beta2);
  const add1 = f32x4.splat(<f32>1.0 - beta1);
  const add2 = f32x4.splat(<f32>1.0 - beta2);
  for (let at: usize = 0; at < bytes; at += 16) {
    const g = f32x4.mul(v128.load(gradient + at), f32x4.splat(clip));
    const m = f32x4.add(f32x4.mul(keep1, v128.load(mean + at)), f32x4.mul(add1, g));
    const s = f32x4.add(f32x4.mul(keep2, v128.load(square + at)), f32x4.mul(add2, f32x4.mul(g, g)));
    v128.store(mean + at, m);
    v128.store(square + at, s);
    const root = f32x4.sqrt(f32x4.mul(s, f32x4.splat(squareCorrection)));
    const move = f32x4.div(f32x4.mul(f32x4.splat(step), m), f32x4.add(root, f32x4.splat(epsilon)));
    const kept = f32x4.mul(f32x4.splat(keep), v128.load(weights + at));
    v128.store(weights + at, f32x4.sub(kept, move));
  }
}
