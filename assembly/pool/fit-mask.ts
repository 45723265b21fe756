import { feasible, firstLanes } from "./feasible";

/**
 * Marks, for each need, which nodes fit it.
 *
 *   room   f32[columnCount][roomStrideBytes / 4]  read; rows hold whole vectors of 4 nodes
 *   needs  f32[needCount][columnCount]            read
 *   out    u8[needCount][outStrideBytes]          1 fits, 0 does not; `nodeCount` bytes a row are
 *                                                 written, no more
 *
 * Regions must not overlap. NaN never fits.
 * Reference: `fitMaskReference`, host/allocator/reference.ts.
 */
export function fitMask(
  room: usize,
  roomStrideBytes: usize,
  nodeCount: i32,
  columnCount: i32,
  needs: usize,
  needCount: i32,
  out: usize,
  outStrideBytes: usize,
): void {
  for (let n: i32 = 0; n < needCount; ++n) {
    const need = needs + ((<usize>(n * columnCount)) << 2);
    maskRow(room, roomStrideBytes, nodeCount, columnCount, need, out);
    out += outStrideBytes;
  }
}

function maskRow(
  room: usize,
  stride: usize,
  nodeCount: i32,
  columnCount: i32,
  need: usize,
  out: usize,
): void {
  const ones = i8x16.splat(1);
  const needEnd = need + ((<usize>columnCount) << 2);
  let node: i32 = 0;
  for (; node + 16 <= nodeCount; node += 16) {
    const at = room + ((<usize>node) << 2);
    let a = i32x4.splat(-1);
    let b = a;
    let c = a;
    let d = a;
    let row = at;
    for (let column = need; column < needEnd; column += 4) {
      const needed = v128.load32_splat(column);
      a = v128.and(a, f32x4.le(needed, v128.load(row)));
      b = v128.and(b, f32x4.le(needed, v128.load(row, 16)));
      c = v128.and(c, f32x4.le(needed, v128.load(row, 32)));
      d = v128.and(d, f32x4.le(needed, v128.load(row, 48)));
      row += stride;
    }
    // All-ones lanes saturate to all-ones bytes.
    const low = i16x8.narrow_i32x4_s(a, b);
    const high = i16x8.narrow_i32x4_s(c, d);
    v128.store(out + <usize>node, v128.and(i8x16.narrow_i16x8_s(low, high), ones));
  }
  for (; node < nodeCount; node += 4) {
    const at = room + ((<usize>node) << 2);
    const lanes = min(4, nodeCount - node);
    const bits = i32x4.bitmask(
      v128.and(feasible(at, stride, need, columnCount), firstLanes(lanes)),
    );
    for (let lane: i32 = 0; lane < lanes; ++lane) {
      store<u8>(out + <usize>(node + lane), (bits >> lane) & 1);
    }
  }
}
