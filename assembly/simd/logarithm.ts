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

/** ln(1 + m) - m + m^2 / 2 for 1 + m in [sqrt 1/2, sqrt 2). */
function tailOf(m: v128): v128 {
  let p = f32x4.add(f32x4.mul(f32x4.splat(P0), m), f32x4.splat(P1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P2));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P3));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P4));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P5));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P6));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P7));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(P8));
  return f32x4.mul(f32x4.mul(p, m), f32x4.mul(m, m));
}

/** ln x for normal, positive, finite x; anything else gives an unspecified number. */
function logNormal(x: v128, exponentBias: v128): v128 {
  const mantissa = v128.or(
    v128.and(x, i32x4.splat(0x007fffff)),
    i32x4.splat(0x3f000000), // [0.5, 1)
  );
  const small = f32x4.lt(mantissa, f32x4.splat(SQRT_HALF));
  const exponent = i32x4.add(i32x4.sub(i32x4.shr_s(x, 23), exponentBias), small);
  const e = f32x4.convert_i32x4_s(exponent);
  const m = f32x4.sub(f32x4.add(mantissa, v128.and(mantissa, small)), f32x4.splat(1.0));
  let y = f32x4.add(tailOf(m), f32x4.mul(e, f32x4.splat(LN2_LO)));
  y = f32x4.sub(y, f32x4.mul(f32x4.mul(m, m), f32x4.splat(0.5)));
  return f32x4.add(f32x4.add(m, y), f32x4.mul(e, f32x4.splat(LN2_HI)));
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

/** ln(1 + x) for x >= 0, exact to a few ulp near 0 too. inf gives inf, NaN gives NaN. */
export function log1p(x: v128): v128 {
  const one = f32x4.splat(1.0);
  const u = f32x4.add(one, x);
  // What rounding 1 + x lost, to first order (Kahan). inf - inf would be NaN, hence the select.
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, one)), u);
  const finite = f32x4.lt(x, f32x4.splat(f32.POSITIVE_INFINITY));
  const y = logNormal(u, i32x4.splat(126));
  return v128.bitselect(f32x4.add(y, lost), x, finite);
}

/** ln(x + sqrt(x^2 + 1)), odd. inf gives inf, NaN gives NaN. */
export function asinh(x: v128): v128 {
  const one = f32x4.splat(1.0);
  const a = f32x4.abs(x);
  const large = f32x4.gt(a, f32x4.splat(ASINH_LARGE));
  const square = f32x4.mul(a, a);
  const root = f32x4.sqrt(f32x4.add(square, one));
  const excess = f32x4.add(a, f32x4.div(square, f32x4.add(one, root)));
  const y = log1p(v128.bitselect(a, excess, large));
  const whole = f32x4.add(y, v128.and(f32x4.splat(LN2), large));
  return v128.or(whole, v128.and(x, i32x4.splat(0x80000000)));
}

/**
 * ln(1 + e^x) = max(x, 0) + ln(1 + e), e = e^-abs(x) in (0, 1]. Above sqrt 2 - 1 the logarithm is
 * ln 2 + ln((1 + e) / 2): both arguments minus 1 are exact, so nothing cancels.
 */
export function softplus(x: v128): v128 {
  const e = expNegative(f32x4.abs(x));
  const upper = f32x4.gt(e, f32x4.splat(SQRT_TWO_LESS_ONE));
  const half = f32x4.mul(f32x4.sub(e, f32x4.splat(1.0)), f32x4.splat(0.5));
  const m = v128.bitselect(half, e, upper);
  const y = f32x4.sub(tailOf(m), f32x4.mul(f32x4.mul(m, m), f32x4.splat(0.5)));
  const whole = f32x4.add(f32x4.add(m, y), v128.and(f32x4.splat(LN2), upper));
  // pmax keeps a NaN x, which e is then too.
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0.0)), whole);
}
