/** From quantiles in u-space to amounts in the resource's own unit. */

import { ENVELOPE_ROWS, KEEP_ROWS, LANE_ROW_BYTES, PHASE_COUNT, RESOURCE_COUNT } from "../layout";
import { sinhRows } from "../simd/activation";

/** Bytes of one phase: four quantile rows. */
const PHASE_BYTES: usize = 128;

/** Column `resource` of four lanes of a resource row. */
function gather(row: usize, resource: i32): v128 {
  const at: usize = row + ((<usize>resource) << 2);
  let lanes = v128.load32_zero(at);
  lanes = v128.load_lane<f32>(at, lanes, 1, 16);
  lanes = v128.load_lane<f32>(at, lanes, 2, 32);
  return v128.load_lane<f32>(at, lanes, 3, 48);
}

/**
 * value = clamp(scale * sinh(q + offset), 0, cap), with q + offset made monotone in k first.
 *
 *   quantiles  f32[48][8] a tile  read; u-space, row = (resource * 3 + phase) * 4 + k
 *   scale      f32[8][4] a tile   read; resource row
 *   cap        f32[8][4] a tile   read; resource row, NaN = no cap
 *   offset     f32[48]            read; calibration, u-space; address 0 = none
 *   out        f32[48][8] a tile  written; cores, GiB, Mbps, disk unit. May be the same as quantiles
 *
 * A NaN in q, offset or scale gives the canonical NaN, there and at the higher quantiles that build
 * on it. sinh saturates at abs(q) = 87. Reference: `envelopeReference`.
 */
export function envelope(
  quantiles: usize,
  qStrideBytes: usize,
  scale: usize,
  scaleStrideBytes: usize,
  cap: usize,
  capStrideBytes: usize,
  offset: usize,
  out: usize,
  outStrideBytes: usize,
  tileCount: i32,
): void {
  const bytes: usize = <usize>(ENVELOPE_ROWS * LANE_ROW_BYTES);
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    raiseTile(quantiles, offset, out, out + bytes);
    sinhRows(out, out + bytes);
    for (let resource: i32 = 0; resource < RESOURCE_COUNT; ++resource) {
      const rows: usize = out + <usize>(resource * PHASE_COUNT) * PHASE_BYTES;
      for (let half: usize = 0; half < 32; half += 16) {
        const scales = gather(scale + (half << 2), resource);
        capRows(rows + half, scales, gather(cap + (half << 2), resource));
      }
    }
    quantiles += qStrideBytes;
    scale += scaleStrideBytes;
    cap += capStrideBytes;
    out += outStrideBytes;
  }
}

/** q + offset, then the running maximum over the four levels of each resource and phase. */
function raiseTile(q: usize, shift: usize, out: usize, end: usize): void {
  do {
    let low = f32x4.splat(f32.NEGATIVE_INFINITY);
    let high = low;
    const last: usize = out + PHASE_BYTES;
    do {
      let u0 = v128.load(q);
      let u1 = v128.load(q, 16);
      if (shift !== 0) {
        const offset = v128.load32_splat(shift);
        u0 = f32x4.add(u0, offset);
        u1 = f32x4.add(u1, offset);
        shift += 4;
      }
      low = f32x4.max(low, u0);
      high = f32x4.max(high, u1);
      v128.store(out, low);
      v128.store(out, high, 16);
      q += 32;
      out += 32;
    } while (out < last);
  } while (out < end);
}

/** From sinh to amounts: three phases x four quantiles of one resource of four lanes. */
function capRows(at: usize, scale: v128, cap: v128): void {
  const end: usize = at + 3 * PHASE_BYTES;
  do {
    v128.store(at, capped(v128.load(at), scale, cap));
    at += 32;
  } while (at < end);
}

/** From sinh to an amount within [0, cap]; a NaN cap is none, any other NaN the canonical one. */
export function capped(sinh: v128, scale: v128, cap: v128): v128 {
  const amount = f32x4.mul(scale, sinh);
  // pmax and pmin keep their first operand when it or the second is NaN: a NaN amount stays, a
  // NaN cap is no cap.
  const held = f32x4.pmin(f32x4.pmax(amount, f32x4.splat(0.0)), cap);
  const positive = f32x4.add(held, f32x4.splat(0.0));
  const canonical = f32x4.ne(positive, positive);
  return v128.bitselect(f32x4.splat(f32.NaN), positive, canonical);
}

/**
 * Keep-need of a tile: the highest phase of an envelope made for an outage of 0 minutes.
 *
 *   envelope  f32[48][8] a tile  read
 *   out       f32[16][8] a tile  written; row = resource * 4 + k
 *
 * A NaN in any phase gives NaN. Regions must not overlap.
 */
export function keepNeed(
  envelope: usize,
  envelopeStrideBytes: usize,
  out: usize,
  outStrideBytes: usize,
  tileCount: i32,
): void {
  const bytes: usize = <usize>(KEEP_ROWS * LANE_ROW_BYTES);
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    let source: usize = envelope;
    for (let row: usize = 0; row < bytes; row += PHASE_BYTES) {
      for (let at: usize = 0; at < PHASE_BYTES; at += 16) {
        const a = v128.load(source + at);
        const b = v128.load(source + at, <usize>PHASE_BYTES);
        const c = v128.load(source + at, 2 * <usize>PHASE_BYTES);
        const most = f32x4.max(f32x4.max(a, b), c);
        v128.store(
          out + row + at,
          v128.bitselect(f32x4.splat(f32.NaN), most, f32x4.ne(most, most)),
        );
      }
      source += 3 * PHASE_BYTES;
    }
    envelope += envelopeStrideBytes;
    out += outStrideBytes;
  }
}
