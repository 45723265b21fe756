/**
 * exp, sigmoid, tanh, SiLU and sinh for four lanes, from two exp cores.
 *
 * Both split the exponent by the magic-bias trick (docs/numerics.md). The natural core, for results
 * that need relative accuracy, reduces with a two-part ln 2 and a degree 5 polynomial for e^r - 1.
 * The binary core, for sigmoid and tanh, whose error is bounded absolutely, works in powers of two:
 * the shortest chain from input to quotient, since throughput is bound by how many chains the
 * processor can overlap. NaN in, NaN out: pmin and pmax keep their first operand when a comparison
 * is false (f32x4.min costs seven instructions on x64, pmin one). No fused multiply-add in the
 * default binaries, so every engine gives the same bits.
 *
 * Call these from single-block loops (do ... while over a pointer): only there does V8 keep the
 * constants in registers, which halves the time.
 */

import { madd } from "./madd";

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
  const clamped = f32x4.pmin(z, f32x4.splat(Z_MAX));
  const s = scaleOf(clamped);
  return f32x4.add(f32x4.mul(s, fractionOf(clamped)), s);
}

/** 1 - e^-z for z in [0, inf], without cancellation: the weight of a decay over time z. */
export function decayWeight(z: v128): v128 {
  const clamped = f32x4.pmin(z, f32x4.splat(Z_MAX));
  const s = scaleOf(clamped);
  return f32x4.sub(f32x4.sub(f32x4.splat(1.0), s), f32x4.mul(s, fractionOf(clamped)));
}

/** e^x, saturating at e^-87 and e^87. */
export function exp(x: v128): v128 {
  const e = expNegative(f32x4.abs(x));
  const rising = f32x4.gt(x, f32x4.splat(0.0));
  return v128.bitselect(f32x4.div(f32x4.splat(1.0), e), e, rising);
}

const LOG2E_NEG_ONCE: f32 = -1.4426950408889634;
const LOG2E_NEG_TWICE: f32 = -2.885390081777927;
// 2^y and 2^-y stay normal numbers up to here.
const Y_MAX: f32 = 126.0;
// 2^f - 1 = f * P(f) on [-1/2, 1/2], minimax: 9.3e-8 relative to 2^f.
const C0: f32 = 0.6931470036506653; // 0x1.62e42ap-1
const C1: f32 = 0.24022246897220612; // 0x1.ebf9c2p-3
const C2: f32 = 0.0555071122944355; // 0x1.c6b6dap-5
const C3: f32 = 0.009671294130384922; // 0x1.3ce8b2p-7
const C4: f32 = 0.0013269405998289584; // 0x1.5bd97ap-10

/** y = x * factor, held within +-126. */
function exponentOf(x: v128, factor: f32): v128 {
  const y = f32x4.mul(x, f32x4.splat(factor));
  return f32x4.pmax(f32x4.pmin(y, f32x4.splat(Y_MAX)), f32x4.splat(-Y_MAX));
}

/** 2^n with n the integer nearest to y. */
function powerOf(y: v128): v128 {
  return i32x4.shl(f32x4.add(y, f32x4.splat(MAGIC)), 23);
}

/** y - n. */
function remainderOf(y: v128): v128 {
  return f32x4.sub(y, f32x4.sub(f32x4.add(y, f32x4.splat(MAGIC)), f32x4.splat(MAGIC)));
}

/** (2^f - 1) / f, in Estrin's order: three steps deep where Horner's takes four. */
function polynomialOf(f: v128): v128 {
  const square = f32x4.mul(f, f);
  const low = madd(f, f32x4.splat(C1), f32x4.splat(C0));
  const high = madd(f, f32x4.splat(C3), f32x4.splat(C2));
  return madd(madd(square, f32x4.splat(C4), high), square, low);
}

/** 1 / (1 + e^-x) */
export function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1.0);
  const y = exponentOf(x, LOG2E_NEG_ONCE);
  const s = powerOf(y);
  const f = remainderOf(y);
  return f32x4.div(one, madd(f32x4.mul(s, f), polynomialOf(f), f32x4.add(s, one)));
}

/** m / (2 - m) with m = 1 - e^-2x, which small x reach without cancellation. tanh -0 is +0. */
export function tanh(x: v128): v128 {
  const y = exponentOf(x, LOG2E_NEG_TWICE);
  const s = powerOf(y);
  const f = remainderOf(y);
  const rest = f32x4.sub(f32x4.splat(1.0), s);
  const m = f32x4.sub(rest, f32x4.mul(f32x4.mul(s, f), polynomialOf(f)));
  return f32x4.div(m, f32x4.sub(f32x4.splat(2.0), m));
}

/**
 * In place from one address to another, an even number of vectors: two at a time, so that one does not
 * wait for itself.
 */
export function sigmoidRows(at: usize, end: usize): void {
  do {
    const low = sigmoid(v128.load(at));
    const high = sigmoid(v128.load(at, 16));
    v128.store(at, low);
    v128.store(at, high, 16);
    at += 32;
  } while (at < end);
}

/** As `sigmoidRows`. */
export function tanhRows(at: usize, end: usize): void {
  do {
    const low = tanh(v128.load(at));
    const high = tanh(v128.load(at, 16));
    v128.store(at, low);
    v128.store(at, high, 16);
    at += 32;
  } while (at < end);
}

/** x * sigmoid(x) */
export function silu(x: v128): v128 {
  return f32x4.mul(x, sigmoid(x));
}

// Cephes' sinhf on [-1, 1].
const SINH_2: f32 = 2.03721912945e-4;
const SINH_1: f32 = 8.33028376239e-3;
const SINH_0: f32 = 1.66667160211e-1;

/** sinh for e = e^-a, away from 0. */
function sinhFar(e: v128): v128 {
  return f32x4.mul(f32x4.sub(f32x4.div(f32x4.splat(1.0), e), e), f32x4.splat(0.5));
}

/** sinh on [0, 1]. */
function sinhNear(a: v128): v128 {
  const square = f32x4.mul(a, a);
  let p = f32x4.add(f32x4.mul(f32x4.splat(SINH_2), square), f32x4.splat(SINH_1));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(SINH_0));
  return f32x4.add(f32x4.mul(f32x4.mul(p, square), a), a);
}

/** From both to sinh x. */
function sinhFrom(near: v128, far: v128, a: v128, x: v128): v128 {
  const y = v128.bitselect(near, far, f32x4.le(a, f32x4.splat(1.0)));
  return v128.or(y, v128.and(x, i32x4.splat(0x80000000)));
}

/** (e^x - e^-x) / 2, odd, saturating at abs(x) = 87. */
export function sinh(x: v128): v128 {
  const a = f32x4.abs(x);
  return sinhFrom(sinhNear(a), sinhFar(expNegative(a)), a, x);
}

/** `sinh` in place from one address to another; a loop without a call, like `asinhBlocks`. */
export function sinhRows(at: usize, end: usize): void {
  do {
    const x = v128.load(at);
    const a = f32x4.abs(x);
    v128.store(at, sinhFrom(sinhNear(a), sinhFar(expNegative(a)), a, x));
    at += 16;
  } while (at < end);
}
