/**
 * Units, scales and the 8-bit steps in which maxima are kept. Every v128 here has one lane a
 * resource: cpu, memory, network, disk.
 */

import { expNegative } from "../simd/activation";
import { asinh } from "../simd/logarithm";

/** Smallest scale: .01 core, .01 GiB, .001 Mbps, .01 of the disk unit. */
export function scaleFloor(): v128 {
  return f32x4(0.01, 0.01, 0.001, 0.01);
}

/** Steps per unit of asinh(v / floor): they reach 1,600 cores, 10 TiB, 150 Gbps, 1.5 million. */
function stepsPerUnit(): v128 {
  return f32x4(20.0, 17.5, 13.0, 13.0);
}

/** i32x4 of codes 1..255 for values >= 0; the highest code also stands for all above it. */
export function encodeSteps(value: v128): v128 {
  const u = asinh(f32x4.div(value, scaleFloor()));
  const step = f32x4.nearest(f32x4.mul(u, stepsPerUnit()));
  const code = f32x4.min(f32x4.add(step, f32x4.splat(1.0)), f32x4.splat(255.0));
  return i32x4.trunc_sat_f32x4_s(code);
}

/** Four codes in one word, lowest byte cpu. */
export function packCodes(codes: v128): u32 {
  const halves = i16x8.narrow_i32x4_u(codes, codes);
  return <u32>i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0);
}

/** Four codes of one word as i32x4. */
export function unpackCodes(word: u32): v128 {
  return widenCodes(i32x4.splat(<i32>word));
}

/** The lowest four bytes as i32x4. */
export function widenCodes(bytes: v128): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
}

/** Values of i32x4 codes; codes 0 and 1 are 0. */
export function decodeSteps(codes: v128): v128 {
  const step = f32x4.max(
    f32x4.sub(f32x4.convert_i32x4_s(codes), f32x4.splat(1.0)),
    f32x4.splat(0.0),
  );
  const e = expNegative(f32x4.div(step, stepsPerUnit()));
  const twice = f32x4.sub(f32x4.div(f32x4.splat(1.0), e), e);
  return f32x4.mul(f32x4.mul(twice, f32x4.splat(0.5)), scaleFloor());
}

/** `decodeSteps` in place over blocks of codes as f32, to the bit; a code of 0 becomes `none`. */
export function decodeBlocks(at: usize, end: usize, none: f32): void {
  const zero = f32x4.splat(0.0);
  do {
    const code = v128.load(at);
    const step = f32x4.max(f32x4.sub(code, f32x4.splat(1.0)), zero);
    const e = expNegative(f32x4.div(step, stepsPerUnit()));
    const twice = f32x4.sub(f32x4.div(f32x4.splat(1.0), e), e);
    const value = f32x4.mul(f32x4.mul(twice, f32x4.splat(0.5)), scaleFloor());
    v128.store(at, v128.bitselect(f32x4.splat(none), value, f32x4.eq(code, zero)));
    at += 16;
  } while (at < end);
}

/** max of the four bytes of two words. */
export function maxCodes(a: u32, b: u32): u32 {
  const larger = i8x16.max_u(i32x4.splat(<i32>a), i32x4.splat(<i32>b));
  return <u32>i32x4.extract_lane(larger, 0);
}

/** asinh(value / scale) within [-6, 6]. */
export function scaled(value: v128, scale: v128): v128 {
  const u = asinh(f32x4.div(value, scale));
  return f32x4.max(f32x4.min(u, f32x4.splat(6.0)), f32x4.splat(-6.0));
}

/** Larger values are not a measurement of anything. */
const VALUE_MAX: f32 = 1.0e15;

export function isMeasured(value: v128): v128 {
  return v128.and(f32x4.ge(value, f32x4.splat(0.0)), f32x4.le(value, f32x4.splat(VALUE_MAX)));
}

export function isMeasuredScalar(value: f32): bool {
  return value >= 0.0 && value <= VALUE_MAX;
}
