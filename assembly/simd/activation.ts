/**
 * exp, sigmoid, tanh, SiLU and sinh for four lanes, all from one exp core.
 *
 * The core (docs/numerics.md): round(-z log2 e) by the magic-bias trick, two-part ln 2, degree 5
 * polynomial for e^r - 1 on abs(r) <= 0.3467. Measured over all f32 inputs: sigmoid 1.02e-7 and
 * tanh 1.49e-7 absolute. NaN in, NaN out: f32x4.min propagates it. No fused multiply-add, so every
 * engine gives the same bits.
 */

// 1.5 * 2^23 + 127: after the addition the low bits hold n + 127.
const MAGIC: f32 = 12583039.0;
const LOG2E_NEG: f32 = -1.44269504;
const LN2_HI_NEG: f32 = -0.693145751953125;
const LN2_LO_NEG: f32 = -1.42860682e-6;
const Q3: f32 = 0.0083691822; // 0x1.123dcap-7
const Q2: f32 = 0.0419177786; // 0x1.5763f4p-5
const Q1: f32 = 0.1666652262; // 0x1.555494p-3
const Q0: f32 = 0.4999899268; // 0x1.fffd5cp-2
// Above this e^-z is denormal; the clamp keeps 2^n a normal number.
const Z_MAX: f32 = 87.0;

/** 2^n of the reduction of e^-z, for z in [0, 87]. */
function scaleOf(z: v128): v128 {
  const t = f32x4.add(f32x4.mul(z, f32x4.splat(LOG2E_NEG)), f32x4.splat(MAGIC));
  return i32x4.shl(t, 23);
}

/** e^r - 1 of the reduction of e^-z, for z in [0, 87]. */
function fractionOf(z: v128): v128 {
  const t = f32x4.add(f32x4.mul(z, f32x4.splat(LOG2E_NEG)), f32x4.splat(MAGIC));
  const n = f32x4.sub(t, f32x4.splat(MAGIC));
  let r = f32x4.sub(f32x4.mul(n, f32x4.splat(LN2_HI_NEG)), z);
  r = f32x4.add(f32x4.mul(n, f32x4.splat(LN2_LO_NEG)), r);
  let q = f32x4.add(f32x4.mul(f32x4.splat(Q3), r), f32x4.splat(Q2));
  q = f32x4.add(f32x4.mul(q, r), f32x4.splat(Q1));
  q = f32x4.add(f32x4.mul(q, r), f32x4.splat(Q0));
  return f32x4.add(f32x4.mul(f32x4.mul(r, r), q), r);
}

/** e^-z for z in [0, inf]; z is clamped to 87. */
export function expNegative(z: v128): v128 {
  const clamped = f32x4.min(z, f32x4.splat(Z_MAX));
  const s = scaleOf(clamped);
  return f32x4.add(f32x4.mul(s, fractionOf(clamped)), s);
}

/** 1 - e^-z for z in [0, inf], without cancellation: the weight of a decay over time z. */
export function decayWeight(z: v128): v128 {
  const clamped = f32x4.min(z, f32x4.splat(Z_MAX));
  const s = scaleOf(clamped);
  return f32x4.sub(f32x4.sub(f32x4.splat(1.0), s), f32x4.mul(s, fractionOf(clamped)));
}

/** e^x, saturating at e^-87 and e^87. */
export function exp(x: v128): v128 {
  const e = expNegative(f32x4.abs(x));
  const rising = f32x4.gt(x, f32x4.splat(0.0));
  return v128.bitselect(f32x4.div(f32x4.splat(1.0), e), e, rising);
}

/** 1 / (1 + e^-x) */
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1.0);
  const e = expNegative(f32x4.abs(x));
  const f = f32x4.div(e, f32x4.add(one, e));
  return v128.bitselect(f, f32x4.sub(one, f), i32x4.shr_s(x, 31));
}

/** (1 - e^-2x) / (1 + e^-2x), with e^-2x - 1 kept apart so that small x stay exact. */
export function tanh(x: v128): v128 {
  const z = f32x4.min(f32x4.mul(f32x4.abs(x), f32x4.splat(2.0)), f32x4.splat(Z_MAX));
  const s = scaleOf(z);
  const m = f32x4.add(f32x4.mul(s, fractionOf(z)), f32x4.sub(s, f32x4.splat(1.0)));
  // m is in (-1, 0], so the quotient is too; abs and not neg, lest tanh 0 become -0.
  const y = f32x4.abs(f32x4.div(m, f32x4.add(m, f32x4.splat(2.0))));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.or(y, sign);
}

/** x * sigmoid(x) */
export function silu(x: v128): v128 {
  return f32x4.mul(x, sigmoid(x));
}

// Cephes' sinhf on [-1, 1].
const SINH_2: f32 = 2.03721912945e-4;
const SINH_1: f32 = 8.33028376239e-3;
const SINH_0: f32 = 1.66667160211e-1;

/** (e^x - e^-x) / 2, odd, saturating at abs(x) = 87. */
export function sinh(x: v128): v128 {
  const a = f32x4.abs(x);
  const e = expNegative(a);
  const far = f32x4.mul(f32x4.sub(f32x4.div(f32x4.splat(1.0), e), e), f32x4.splat(0.5));
  const square = f32x4.mul(a, a);
  let p = f32x4.add(f32x4.mul(f32x4.splat(SINH_2), square), f32x4.splat(SINH_1));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(SINH_0));
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, square), a), a);
  const y = v128.bitselect(near, far, f32x4.le(a, f32x4.splat(1.0)));
  return v128.or(y, v128.and(x, i32x4.splat(0x80000000)));
}
