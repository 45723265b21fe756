/** From 48 raw outputs of the head to quantiles that cannot cross. */

import { ENVELOPE_ROWS, LANE_ROW_BYTES } from "../layout";
import { softplusRows } from "../simd/logarithm";

/**
 * q0 = raw0, q(k) = q(k-1) + softplus(raw k), for each resource and phase, in u-space.
 *
 *   raw  f32[48][8] a tile   read; row = (resource * 3 + phase) * 4 + k; tiles `rawStrideBytes` apart
 *   out  f32[48][8] a tile   written; same rows; tiles `outStrideBytes` apart. May be the same as raw
 *
 * A NaN makes its own and the higher quantiles of that lane NaN.
 */
export function quantiles(
  raw: usize,
  rawStrideBytes: usize,
  out: usize,
  outStrideBytes: usize,
  tileCount: i32,
): void {
  const bytes: usize = <usize>(ENVELOPE_ROWS * LANE_ROW_BYTES);
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    const end: usize = out + bytes;
    let to: usize = out;
    if (raw !== out) memory.copy(out, raw, bytes);
    // First all steps, in a loop that keeps softplus's constants in registers, then the sums.
    do {
      softplusRows(to + 32, to + 128);
      to += 128;
    } while (to < end);
    sumLevels(out, end);
    raw += rawStrideBytes;
    out += outStrideBytes;
  }
}

/** Running sums over the four rows of each group. */
function sumLevels(group: usize, end: usize): void {
  do {
    let low = v128.load(group);
    let high = v128.load(group, 16);
    const last: usize = group + 96;
    do {
      group += 32;
      low = f32x4.add(low, v128.load(group));
      high = f32x4.add(high, v128.load(group, 16));
      v128.store(group, low);
      v128.store(group, high, 16);
    } while (group < last);
    group += 32;
  } while (group < end);
}
