/**
 * Natural logarithm and what follows from it, for four lanes: log, log1p, asinh, softplus.
 *
 * `log` is Cephes' logf (Moshier): mantissa in [sqrt 1/2, sqrt 2), degree 8 polynomial, two-part
 * ln 2. docs/numerics.md has the measured errors. Only IEEE add, mul, div and sqrt, each rounded
 * on its own: every engine gives the same bits.
 */

import { expNegative } from "./activation";

const SQRT_HALF: f32 = 0.7071067811865476;
const NORMAL_MIN: f32 = 1.1754943508222875e-38;
const TWO_23: f32 = 8388608.0;
const LN2_HI: f32 = 0.693359375;
const LN2_LO: f32 = -2.1219444e-4;
const SQRT_TWO_LESS_ONE: f32 = 0.41421356237309503;
const LN2: f32 = 0.6931471805599453;
const P0: f32 = 7.0376836292e-2;
const P1: f32 = -1.151461031e-1;
const P2: f32 = 1.167699874e-1;
const P3: f32 = -1.2420140846e-1;
const P4: f32 = 1.4249322787e-1;
const P5: f32 = -1.6668057665e-1;
const P6: f32 = 2.0000714765e-1;
const P7: f32 = -2.4999993993e-1;
const P8: f32 = 3.3333331174e-1;
/** Above this x * x would overflow soon; asinh x = ln 2x to the last bit long before. */
const ASINH_LARGE: f32 = 1.0e8;

function horner(p: v128, m: v128, next: f32): v128 {
  return f32x4.add(f32x4.mul(p, m), f32x4.splat(next));
}

/** ln(1 + m) - m + m^2 / 2 for 1 + m in [sqrt 1/2, sqrt 2). */
function tailOf(m: v128): v128 {
  let p = horner(f32x4.splat(P0), m, P1);
  p = horner(p, m, P2);
  p = horner(p, m, P3);
  p = horner(p, m, P4);
  p = horner(p, m, P5);
  p = horner(p, m, P6);
  p = horner(p, m, P7);
  p = horner(p, m, P8);
  return f32x4.mul(f32x4.mul(p, m), f32x4.mul(m, m));
}

/** Mantissa of a normal, positive, finite x in [1/2, 1). */
function mantissaOf(x: v128): v128 {
  return v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
}

function isSmall(mantissa: v128): v128 {
  return f32x4.lt(mantissa, f32x4.splat(SQRT_HALF));
}

/** The exponent that belongs to the mantissa in [sqrt 1/2, sqrt 2). */
function exponentOf(x: v128, bias: v128, small: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.add(i32x4.sub(i32x4.shr_s(x, 23), bias), small));
}

/** The mantissa in [sqrt 1/2, sqrt 2) less 1. */
function excessOf(mantissa: v128, small: v128): v128 {
  return f32x4.sub(f32x4.add(mantissa, v128.and(mantissa, small)), f32x4.splat(1.0));
}

/** ln(1 + m) + e ln 2 */
function joinLog(m: v128, e: v128): v128 {
  return joinTail(tailOf(m), m, e);
}

/** The same, given `tailOf(m)`. */
function joinTail(tail: v128, m: v128, e: v128): v128 {
  let y = f32x4.add(tail, f32x4.mul(e, f32x4.splat(LN2_LO)));
  y = f32x4.sub(y, f32x4.mul(f32x4.mul(m, m), f32x4.splat(0.5)));
  return f32x4.add(f32x4.add(m, y), f32x4.mul(e, f32x4.splat(LN2_HI)));
}

/** ln x for normal, positive, finite x; anything else gives an unspecified number. */
function logNormal(x: v128, exponentBias: v128): v128 {
  const mantissa = mantissaOf(x);
  const small = isSmall(mantissa);
  return joinLog(excessOf(mantissa, small), exponentOf(x, exponentBias, small));
}

/** ln x. 0 gives -inf, a negative number NaN, +inf and NaN themselves; denormals are exact. */
export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, f32x4.splat(NORMAL_MIN));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(TWO_23)), x, tiny);
  const bias = v128.bitselect(i32x4.splat(126 + 23), i32x4.splat(126), tiny);
  const y = logNormal(scaled, bias);
  const infinite = f32x4.splat(f32.POSITIVE_INFINITY);
  const zero = f32x4.eq(x, f32x4.splat(0.0));
  // x - x is 0 for a finite number and NaN for the rest; inf is put back after it.
  const guarded = f32x4.add(y, f32x4.sub(x, x));
  const positive = v128.bitselect(infinite, guarded, f32x4.eq(x, infinite));
  const nonZero = v128.bitselect(f32x4.neg(infinite), positive, zero);
  return v128.bitselect(f32x4.splat(f32.NaN), nonZero, f32x4.lt(x, f32x4.splat(0.0)));
}

/** What rounding 1 + x to u lost, to first order (Kahan). */
function lostOf(x: v128, u: v128): v128 {
  return f32x4.div(f32x4.sub(x, f32x4.sub(u, f32x4.splat(1.0))), u);
}

/** ln(1 + x) for x >= 0, exact to a few ulp near 0 too. inf gives inf, NaN gives NaN. */
export function log1p(x: v128): v128 {
  const u = f32x4.add(f32x4.splat(1.0), x);
  const lost = lostOf(x, u);
  const y = logNormal(u, i32x4.splat(126));
  // inf - inf is NaN, hence the select.
  const finite = f32x4.lt(x, f32x4.splat(f32.POSITIVE_INFINITY));
  return v128.bitselect(f32x4.add(y, lost), x, finite);
}

/** What asinh is the log1p of, for a = abs(x). */
function asinhArgument(a: v128): v128 {
  const one = f32x4.splat(1.0);
  const square = f32x4.mul(a, a);
  const root = f32x4.sqrt(f32x4.add(square, one));
  const excess = f32x4.add(a, f32x4.div(square, f32x4.add(one, root)));
  return v128.bitselect(a, excess, f32x4.gt(a, f32x4.splat(ASINH_LARGE)));
}

/** From log1p of the argument to asinh x. */
function asinhFrom(y: v128, x: v128, a: v128): v128 {
  const large = f32x4.gt(a, f32x4.splat(ASINH_LARGE));
  const whole = f32x4.add(y, v128.and(f32x4.splat(LN2), large));
  return v128.or(whole, v128.and(x, i32x4.splat(0x80000000)));
}

/** ln(x + sqrt(x^2 + 1)), odd. inf gives inf, NaN gives NaN. */
export function asinh(x: v128): v128 {
  const a = f32x4.abs(x);
  return asinhFrom(log1p(asinhArgument(a)), x, a);
}

/**
 * `asinh(x / scale)` in place over blocks, held within +-limit, to the bit of `asinh`. One loop
 * without a call, so that the constants stay where they are, and two vectors at a time: one alone
 * waits for itself, 150 cycles from end to end, and too few of the next ones fit in the queue.
 *
 *   at      f32[lanes][4] a block up to end   read and written; blocks `stride` bytes apart
 *   scales  f32[lanes][4]                     read; a scale below the least normal number counts as it
 */
export function asinhBlocks(at: usize, end: usize, scales: usize, stride: usize, limit: f32): void {
  const first = at;
  const least = f32x4.splat(NORMAL_MIN);
  for (const last = end - 16; at < last; at += 32) {
    const scale0 = v128.load(scales + ((at - first) & (stride - 1)));
    const scale1 = v128.load(scales + ((at + 16 - first) & (stride - 1)));
    const x0 = f32x4.div(v128.load(at), f32x4.pmax(scale0, least));
    const x1 = f32x4.div(v128.load(at, 16), f32x4.pmax(scale1, least));
    asinhPair(at, x0, x1, limit);
  }
  if (at === end) return;
  const scale = v128.load(scales + ((at - first) & (stride - 1)));
  const x = f32x4.div(v128.load(at), f32x4.pmax(scale, least));
  v128.store(at, within(asinh(x), f32x4.splat(limit)));
}

/** Two vectors step by step; both go where `at` says. */
function asinhPair(at: usize, x0: v128, x1: v128, limit: f32): void {
  const a0 = f32x4.abs(x0);
  const a1 = f32x4.abs(x1);
  const g0 = asinhArgument(a0);
  const g1 = asinhArgument(a1);
  const u0 = f32x4.add(f32x4.splat(1.0), g0);
  const u1 = f32x4.add(f32x4.splat(1.0), g1);
  const lost0 = lostOf(g0, u0);
  const lost1 = lostOf(g1, u1);
  const n0 = mantissaOf(u0);
  const n1 = mantissaOf(u1);
  const small0 = isSmall(n0);
  const small1 = isSmall(n1);
  const e0 = exponentOf(u0, i32x4.splat(126), small0);
  const e1 = exponentOf(u1, i32x4.splat(126), small1);
  const m0 = excessOf(n0, small0);
  const m1 = excessOf(n1, small1);
  let p0 = horner(f32x4.splat(P0), m0, P1);
  let p1 = horner(f32x4.splat(P0), m1, P1);
  p0 = horner(p0, m0, P2);
  p1 = horner(p1, m1, P2);
  p0 = horner(p0, m0, P3);
  p1 = horner(p1, m1, P3);
  p0 = horner(p0, m0, P4);
  p1 = horner(p1, m1, P4);
  p0 = horner(p0, m0, P5);
  p1 = horner(p1, m1, P5);
  p0 = horner(p0, m0, P6);
  p1 = horner(p1, m1, P6);
  p0 = horner(p0, m0, P7);
  p1 = horner(p1, m1, P7);
  p0 = horner(p0, m0, P8);
  p1 = horner(p1, m1, P8);
  p0 = f32x4.mul(f32x4.mul(p0, m0), f32x4.mul(m0, m0));
  p1 = f32x4.mul(f32x4.mul(p1, m1), f32x4.mul(m1, m1));
  const y0 = f32x4.add(joinTail(p0, m0, e0), lost0);
  const y1 = f32x4.add(joinTail(p1, m1, e1), lost1);
  const finite0 = f32x4.lt(g0, f32x4.splat(f32.POSITIVE_INFINITY));
  const finite1 = f32x4.lt(g1, f32x4.splat(f32.POSITIVE_INFINITY));
  const whole0 = asinhFrom(v128.bitselect(y0, g0, finite0), x0, a0);
  const whole1 = asinhFrom(v128.bitselect(y1, g1, finite1), x1, a1);
  v128.store(at, within(whole0, f32x4.splat(limit)));
  v128.store(at, within(whole1, f32x4.splat(limit)), 16);
}

/** Within +-limit; NaN stays. */
function within(v: v128, limit: v128): v128 {
  return f32x4.pmax(f32x4.pmin(v, limit), f32x4.neg(limit));
}

/** `log(x) * factor` in place within +-limit, for normal, positive, finite x and denormal ones. */
export function logBlocks(at: usize, end: usize, factor: v128, limit: f32): void {
  do {
    const x = v128.load(at);
    const tiny = f32x4.lt(x, f32x4.splat(NORMAL_MIN));
    const normal = v128.bitselect(f32x4.mul(x, f32x4.splat(TWO_23)), x, tiny);
    const bias = v128.bitselect(i32x4.splat(126 + 23), i32x4.splat(126), tiny);
    const mantissa = mantissaOf(normal);
    const small = isSmall(mantissa);
    const y = joinLog(excessOf(mantissa, small), exponentOf(normal, bias, small));
    v128.store(at, within(f32x4.mul(y, factor), f32x4.splat(limit)));
    at += 16;
  } while (at < end);
}

/** `log1p(x) * factor` in place within +-limit, for x >= 0 and finite. */
export function log1pBlocks(at: usize, end: usize, factor: v128, limit: f32): void {
  do {
    const x = v128.load(at);
    const u = f32x4.add(f32x4.splat(1.0), x);
    const lost = lostOf(x, u);
    const mantissa = mantissaOf(u);
    const small = isSmall(mantissa);
    const e = exponentOf(u, i32x4.splat(126), small);
    const y = f32x4.add(joinLog(excessOf(mantissa, small), e), lost);
    v128.store(at, within(f32x4.mul(y, factor), f32x4.splat(limit)));
    at += 16;
  } while (at < end);
}

/** What `softplus` takes the logarithm of, less 1, for e = e^-abs(x). */
function softplusArgument(e: v128, upper: v128): v128 {
  const half = f32x4.mul(f32x4.sub(e, f32x4.splat(1.0)), f32x4.splat(0.5));
  return v128.bitselect(half, e, upper);
}

/** `tail` is `tailOf(m)`. */
function softplusFrom(x: v128, tail: v128, m: v128, upper: v128): v128 {
  const y = f32x4.sub(tail, f32x4.mul(f32x4.mul(m, m), f32x4.splat(0.5)));
  const whole = f32x4.add(f32x4.add(m, y), v128.and(f32x4.splat(LN2), upper));
  // pmax keeps a NaN x, which m is then too.
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0.0)), whole);
}

/**
 * ln(1 + e^x) = max(x, 0) + ln(1 + e), e = e^-abs(x) in (0, 1]. Above sqrt 2 - 1 the logarithm is
 * ln 2 + ln((1 + e) / 2): both arguments minus 1 are exact, so nothing cancels.
 */
export function softplus(x: v128): v128 {
  const e = expNegative(f32x4.abs(x));
  const upper = f32x4.gt(e, f32x4.splat(SQRT_TWO_LESS_ONE));
  const m = softplusArgument(e, upper);
  return softplusFrom(x, tailOf(m), m, upper);
}

/**
 * `softplus` in place from one address to another, an even number of vectors; a loop without a call
 * and two vectors at a time, like `asinhBlocks`.
 */
export function softplusRows(at: usize, end: usize): void {
  do {
    softplusPair(at, v128.load(at), v128.load(at, 16));
    at += 32;
  } while (at < end);
}

function softplusPair(at: usize, x0: v128, x1: v128): void {
  const e0 = expNegative(f32x4.abs(x0));
  const e1 = expNegative(f32x4.abs(x1));
  const upper0 = f32x4.gt(e0, f32x4.splat(SQRT_TWO_LESS_ONE));
  const upper1 = f32x4.gt(e1, f32x4.splat(SQRT_TWO_LESS_ONE));
  const m0 = softplusArgument(e0, upper0);
  const m1 = softplusArgument(e1, upper1);
  let p0 = horner(f32x4.splat(P0), m0, P1);
  let p1 = horner(f32x4.splat(P0), m1, P1);
  p0 = horner(p0, m0, P2);
  p1 = horner(p1, m1, P2);
  p0 = horner(p0, m0, P3);
  p1 = horner(p1, m1, P3);
  p0 = horner(p0, m0, P4);
  p1 = horner(p1, m1, P4);
  p0 = horner(p0, m0, P5);
  p1 = horner(p1, m1, P5);
  p0 = horner(p0, m0, P6);
  p1 = horner(p1, m1, P6);
  p0 = horner(p0, m0, P7);
  p1 = horner(p1, m1, P7);
  p0 = horner(p0, m0, P8);
  p1 = horner(p1, m1, P8);
  p0 = f32x4.mul(f32x4.mul(p0, m0), f32x4.mul(m0, m0));
  p1 = f32x4.mul(f32x4.mul(p1, m1), f32x4.mul(m1, m1));
  v128.store(at, softplusFrom(x0, p0, m0, upper0));
  v128.store(at, softplusFrom(x1, p1, m1, upper1), 16);
}
