/** From 48 raw outputs of the head to quantiles that cannot cross. */

import { ENVELOPE_ROWS, LANE_ROW_BYTES } from "../layout";
import { softplus } from "../simd/logarithm";

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
  const rowBytes: usize = <usize>(ENVELOPE_ROWS * LANE_ROW_BYTES);
  for (let tile: i32 = 0; tile < tileCount; ++tile) {
    for (let row: usize = 0; row < rowBytes; row += 128) {
      for (let half: usize = 0; half < 32; half += 16) {
        let q = v128.load(raw + row + half);
        v128.store(out + row + half, q);
        for (let level: usize = 32; level < 128; level += 32) {
          q = f32x4.add(q, softplus(v128.load(raw + row + half + level)));
          v128.store(out + row + half + level, q);
        }
      }
    }
    raw += rawStrideBytes;
    out += outStrideBytes;
  }
}
