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

const QUANTA: f32 = 1024.0;
const QUANTUM: f32 = 0.0009765625;

// pmin and pmax are one instruction each and keep a NaN that is their first operand.

/** Ratio of the way through [from, from + 1 / scale], 0 before and 1 after. */
function through(tau: v128, from: f32, scale: f32): v128 {
  const way = f32x4.mul(f32x4.sub(tau, f32x4.splat(from)), f32x4.splat(scale));
  return f32x4.pmin(f32x4.pmax(way, f32x4.splat(0.0)), f32x4.splat(1.0));
}

/** The polynomial of the upper tail, P(abs(score)). */
function tailBase(score: v128): v128 {
  const x = f32x4.abs(score);
  let p = f32x4.add(f32x4.splat(P5), f32x4.mul(x, f32x4.splat(P6)));
  p = f32x4.add(f32x4.splat(P4), f32x4.mul(x, p));
  p = f32x4.add(f32x4.splat(P3), f32x4.mul(x, p));
  p = f32x4.add(f32x4.splat(P2), f32x4.mul(x, p));
  p = f32x4.add(f32x4.splat(P1), f32x4.mul(x, p));
  return f32x4.add(f32x4.splat(1.0), f32x4.mul(x, p));
}

/** Share of the draws below each score, Phi(score), from P(abs(score)). */
function shareBelow(base: v128, score: v128): v128 {
  let p = f32x4.mul(base, base);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  p = f32x4.mul(p, p);
  const above = f32x4.div(f32x4.splat(0.5), p);
  const below = f32x4.sub(f32x4.splat(1.0), above);
  return v128.bitselect(above, below, f32x4.lt(score, f32x4.splat(0.0)));
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

/** Up to a multiple of 2^-10. Exact in f32: only powers of two are multiplied with. */
function roundUp(need: v128): v128 {
  const quanta = f32x4.ceil(f32x4.mul(need, f32x4.splat(QUANTA)));
  return f32x4.mul(quanta, f32x4.splat(QUANTUM));
}

/** min(., cap) - shift, not below 0. */
function settle(need: v128, cap: v128, shift: v128): v128 {
  return f64x2.pmax(f64x2.sub(f64x2.pmin(need, cap), shift), f64x2.splat(0.0));
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
 * multiple of 2^-10, so that sums of draws are exact. `drawCount` is a multiple of 4, knots are
 * below 2^117. Inputs may alias each other, not the output. A NaN knot makes its column NaN, a NaN
 * factor its draw. Reference: `memberDrawsReference`.
 *
 * Many short passes, each a single block, since a draw is a chain of some 200 cycles: in one pass
 * the processor's queue holds one draw and a half. Between passes a draw's share and score lie where
 * its first column goes. Column by column also because the rows are 4 kB apart for 512 draws: twelve
 * at once compete for the eight places of one set of the first-level cache.
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
  if (columnCount < 1 || drawCount < 4) return;
  const bytes = (<usize>drawCount) << 3;
  const end = out + bytes;
  scoreDraws(common, group, cause, own, loads, out, end);
  shareDraws(out, end);
  lengthenDraws(out, end);
  // The first row last: it holds what all are made from.
  for (let column: i32 = columnCount - 1; column >= 0; --column) {
    const at = <usize>column;
    const row = out + at * bytes;
    drawColumn(out, end, knots + (at << 5), row);
    settleColumn(row, row + bytes, limits + (at << 4));
  }
}

/** The score of four draws into the second half of 32 bytes. */
function scoreDraws(
  common: usize,
  group: usize,
  cause: usize,
  own: usize,
  loads: usize,
  to: usize,
  end: usize,
): void {
  const ofCommon = v128.load32_splat(loads);
  const ofGroup = v128.load32_splat(loads, 4);
  const ofCause = v128.load32_splat(loads, 8);
  const ofOwn = v128.load32_splat(loads, 12);
  let at: usize = 0;
  do {
    let score = f32x4.mul(ofCommon, v128.load(common + at));
    score = f32x4.add(score, f32x4.mul(ofGroup, v128.load(group + at)));
    score = f32x4.add(score, f32x4.mul(ofCause, v128.load(cause + at)));
    score = f32x4.add(score, f32x4.mul(ofOwn, v128.load(own + at)));
    v128.store(to, score, 16);
    at += 16;
    to += 32;
  } while (to < end);
}

/** The share of the draws below into the first half. */
function shareDraws(start: usize, end: usize): void {
  let at = start;
  do {
    v128.store(at, tailBase(v128.load(at, 16)));
    at += 32;
  } while (at < end);
  at = start;
  do {
    v128.store(at, shareBelow(v128.load(at), v128.load(at, 16)));
    at += 32;
  } while (at < end);
}

/** The tail's length in the place of the score. One draw in a hundred has one. */
function lengthenDraws(at: usize, end: usize): void {
  do {
    const score = v128.load(at, 16);
    const isFar = v128.any_true(f32x4.gt(score, f32x4.splat(TAIL_START)));
    v128.store(at, isFar ? tailLength(score) : f32x4.splat(0.0), 16);
    at += 32;
  } while (at < end);
}

/** Needs from shares and tails, four in the first half of 32 bytes; `to` may be where they lie. */
function drawColumn(from: usize, end: usize, knot: usize, to: usize): void {
  const one = f32x4.splat(1.0);
  const least = v128.load32_splat(knot);
  const q50 = v128.load32_splat(knot, 4);
  const q90 = v128.load32_splat(knot, 8);
  const q95 = v128.load32_splat(knot, 12);
  const q99 = v128.load32_splat(knot, 16);
  do {
    const tau = v128.load(from);
    const tail = v128.load(from, 16);
    const t1 = through(tau, 0.0, 2.0);
    const t2 = through(tau, 0.5, 2.5);
    const t3 = through(tau, 0.9, 20.0);
    const t4 = through(tau, 0.95, 25.0);
    let need = f32x4.mul(f32x4.sub(one, t1), least);
    need = f32x4.add(need, f32x4.mul(f32x4.sub(t1, t2), q50));
    need = f32x4.add(need, f32x4.mul(f32x4.sub(t2, t3), q90));
    need = f32x4.add(need, f32x4.mul(f32x4.sub(f32x4.sub(t3, t4), tail), q95));
    need = f32x4.add(need, f32x4.mul(f32x4.add(t4, tail), q99));
    v128.store(to, roundUp(need));
    from += 32;
    to += 32;
  } while (from < end);
}

/** Four needs become four draws in 32 bytes. */
function settleColumn(at: usize, end: usize, limit: usize): void {
  const cap = v128.load64_splat(limit);
  const shift = v128.load64_splat(limit, 8);
  do {
    const need = v128.load(at);
    v128.store(at, settle(f64x2.promote_low_f32x4(need), cap, shift));
    v128.store(at, settle(f64x2.promote_low_f32x4(upperHalf(need)), cap, shift), 16);
    at += 32;
  } while (at < end);
}
