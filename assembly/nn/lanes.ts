/** Moving whole lanes between two answers of one tile. */
import { LANE_ROW_BYTES } from "../layout";

/**
 * Copies the lanes whose mask is 0 from one block of lane rows to another, bit for bit; lanes whose
 * mask is all ones keep what the target holds.
 *
 *   mask  u32[8]             16-byte aligned, read; each word 0 or all ones
 *   from  f32[rowCount][8]   16-byte aligned, read
 *   to    f32[rowCount][8]   16-byte aligned, read and written
 *
 * `from` and `to` must not overlap. Bits are moved, so NaN keeps its payload.
 */
export function carryLanes(mask: usize, from: usize, to: usize, rowCount: i32): void {
  const low = v128.load(mask);
  const high = v128.load(mask, 16);
  const bytes = <usize>rowCount * LANE_ROW_BYTES;
  for (let at: usize = 0; at < bytes; at += LANE_ROW_BYTES) {
    const source = from + at;
    const target = to + at;
    v128.store(target, v128.bitselect(v128.load(target), v128.load(source), low));
    v128.store(target, v128.bitselect(v128.load(target, 16), v128.load(source, 16), high), 16);
  }
}
