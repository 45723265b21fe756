import { upperHalf } from "./headroom";

// Upper tail of the normal law, Abramowitz and Stegun 26.2.19: 1 - Phi(x) = P(x)^-16 / 2 within
// 1.5e-7 for x >= 0.
const P1: f32 = 0.049867347;
const P2: f32 = 0.0211410061;
const P3: f32 = 0.0032776263;
const P4: f32 = 0.0000380036;
const P5: f32 = 0.0000488906;
const P6: f32 = 0.000005383;

// ln(.01 / (1 - Phi(x))) for x from its root to 6, degree 5, within 8.4e-6 (least squares on
// Chebyshev nodes).
const L0: f32 = -3.872460292866813;
const L1: f32 = 0.7292261792006114;
const L2: f32 = 0.3676391109507828;
const L3: f32 = 0.017865707053601965;
const L4: f32 = -0.0014319226978820783;
const L5: f32 = 0.00005021602911161286;
const TAIL_START: f32 = 2.3263479;
const SCORE_MAX: f32 = 6.0;
const PER_LN5: f32 = 0.6213349345596119;

const QUANTA: f64 = 1024.0;
const QUANTUM: f64 = 0.0009765625;

// pmin and pmax are one instruction each and keep a NaN that is their first operand.

/** Ratio of the way through [from, from + 1 / scale], 0 before and 1 after. */
function through(tau: v128, from: f32, scale: f32): v128 {
  const way = f32x4.mul(f32x4.sub(tau, f32x4.splat(from)), f32x4.splat(scale));
  return f32x4.pmin(f32x4.pmax(way, f32x4.splat(0.0)), f32x4.splat(1.0));
}

/** Share of the draws below each score, Phi(score). */
function normalShare(score: v128): v128 {
  const one = f32x4.splat(1.0);
  const x = f32x4.abs(score);
  let p = f32x4.add(f32x4.splat(P5), f32x4.mul(x, f32x4.splat(P6)));
  p = f32x4.add(f32x4.splat(P4), f32x4.mul(x, p));
  p = f32x4.add(f32x4.splat(P3), f32x4.mul(x, p));
  p = f32x4.add(f32x4.splat(P2), f32x4.mul(x, p));
  p = f32x4.add(f32x4.splat(P1), f32x4.mul(x, p));
  p = f32x4.add(one, f32x4.mul(x, p));
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  const above = f32x4.div(f32x4.splat(0.5), p);
  return v128.bitselect(above, f32x4.sub(one, above), f32x4.lt(score, f32x4.splat(0.0)));
}

/** How far beyond the .99 quantile, in distances from .95 to .99; 0 before it. */
function tailLength(score: v128): v128 {
  const x = f32x4.pmin(f32x4.pmax(score, f32x4.splat(TAIL_START)), f32x4.splat(SCORE_MAX));
  let l = f32x4.add(f32x4.splat(L4), f32x4.mul(x, f32x4.splat(L5)));
  l = f32x4.add(f32x4.splat(L3), f32x4.mul(x, l));
  l = f32x4.add(f32x4.splat(L2), f32x4.mul(x, l));
  l = f32x4.add(f32x4.splat(L1), f32x4.mul(x, l));
  l = f32x4.add(f32x4.splat(L0), f32x4.mul(x, l));
  return f32x4.mul(f32x4.pmax(l, f32x4.splat(0.0)), f32x4.splat(PER_LN5));
}

/** Rounds up to a multiple of 2^-10, then min(., cap) - shift, not below 0. */
function settle(need: v128, cap: v128, shift: v128): v128 {
  const whole = f64x2.ceil(f64x2.mul(need, f64x2.splat(QUANTA)));
  const capped = f64x2.pmin(f64x2.mul(whole, f64x2.splat(QUANTUM)), cap);
  return f64x2.pmax(f64x2.sub(capped, shift), f64x2.splat(0.0));
}

/**
 * Draws what one member of a pool may need, together with the other members: a Gaussian copula with
 * factors. The score of draw d is the sum of load * factor[d]; with loads whose squares add up to 1
 * and standard normal factors, two members correlate by what they share.
 *
 *   common  f32[drawCount]       read: factor of everybody, 16-byte aligned as all of them
 *   group   f32[drawCount]       read: factor of its group
 *   cause   f32[drawCount]       read: factor of what is restarted for one reason
 *   own     f32[drawCount]       read: factor of its own
 *   loads   f32[4]               read: of the four factors
 *   knots   f32[columnCount][8]  read: least need, .5, .9, .95, .99 quantile, not falling; 3 unused
 *   limits  f64[columnCount][2]  read: cap, shift
 *   out     f64[columnCount][drawCount]  written: max(0, min(need, cap) - shift)
 *
 * The need is the inverse of the distribution function, linear between the knots, beyond .99 with
 * an exponential tail: q99 + (q99 - q95) / ln 5 * ln(.01 / (1 - tau)). It is rounded up to a
 * multiple of 2^-10, so that sums of draws are exact. `drawCount` is a multiple of 4. Inputs may
 * alias each other, not the output. A NaN knot makes its column NaN, a NaN factor its draw.
 * Reference: `memberDrawsReference`.
 */
export function memberDraws(
  common: usize,
  group: usize,
  cause: usize,
  own: usize,
  loads: usize,
  knots: usize,
  limits: usize,
  out: usize,
  columnCount: i32,
  drawCount: i32,
): void {
  const one = f32x4.splat(1.0);
  const bytes = (<usize>drawCount) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    let score = f32x4.mul(v128.load32_splat(loads), v128.load(common + at));
    score = f32x4.add(score, f32x4.mul(v128.load32_splat(loads, 4), v128.load(group + at)));
    score = f32x4.add(score, f32x4.mul(v128.load32_splat(loads, 8), v128.load(cause + at)));
    score = f32x4.add(score, f32x4.mul(v128.load32_splat(loads, 12), v128.load(own + at)));
    const tau = normalShare(score);
    const t1 = through(tau, 0.0, 2.0);
    const t2 = through(tau, 0.5, 2.5);
    const t3 = through(tau, 0.9, 20.0);
    const t4 = through(tau, 0.95, 25.0);
    // One draw in a hundred is beyond the .99 quantile.
    const isFar = v128.any_true(f32x4.gt(score, f32x4.splat(TAIL_START)));
    const tail = isFar ? tailLength(score) : f32x4.splat(0.0);
    const w0 = f32x4.sub(one, t1);
    const w1 = f32x4.sub(t1, t2);
    const w2 = f32x4.sub(t2, t3);
    const w3 = f32x4.sub(f32x4.sub(t3, t4), tail);
    const w4 = f32x4.add(t4, tail);
    let knot = knots;
    let limit = limits;
    let to = out + (at << 1);
    for (let column: i32 = 0; column < columnCount; ++column) {
      let need = f32x4.mul(w0, v128.load32_splat(knot));
      need = f32x4.add(need, f32x4.mul(w1, v128.load32_splat(knot, 4)));
      need = f32x4.add(need, f32x4.mul(w2, v128.load32_splat(knot, 8)));
      need = f32x4.add(need, f32x4.mul(w3, v128.load32_splat(knot, 12)));
      need = f32x4.add(need, f32x4.mul(w4, v128.load32_splat(knot, 16)));
      const cap = v128.load64_splat(limit);
      const shift = v128.load64_splat(limit, 8);
      v128.store(to, settle(f64x2.promote_low_f32x4(need), cap, shift));
      v128.store(to, settle(f64x2.promote_low_f32x4(upperHalf(need)), cap, shift), 16);
      knot += 32;
      limit += 16;
      to += (<usize>drawCount) << 3;
    }
  }
}
