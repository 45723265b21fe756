import { NEED_COLUMNS, PHASE_COUNT, RESOURCE_COUNT } from "../layout";

/**
 * Room of each node in each resource and phase: (allocatable - allocated) - reserved.
 *
 *   allocatable  f32[4][strideBytes / 4]   read
 *   allocated    f32[4][strideBytes / 4]   read
 *   reserved     f32[12][strideBytes / 4]  read; row = resource * 3 + phase
 *   out          f32[12][strideBytes / 4]  written, `nodeCount` values a row, no more
 *
 * `out` may be `reserved`. NaN in, NaN out. Reference: `headroomReference`.
 */
export function headroom(
  allocatable: usize,
  allocated: usize,
  reserved: usize,
  out: usize,
  strideBytes: usize,
  nodeCount: i32,
): void {
  const whole = nodeCount & ~3;
  for (let node: i32 = 0; node < whole; node += 4) {
    const at = (<usize>node) << 2;
    for (let resource: i32 = 0; resource < RESOURCE_COUNT; ++resource) {
      const row = at + <usize>resource * strideBytes;
      const idle = f32x4.sub(v128.load(allocatable + row), v128.load(allocated + row));
      let column = at + <usize>(resource * PHASE_COUNT) * strideBytes;
      for (let phase: i32 = 0; phase < PHASE_COUNT; ++phase) {
        v128.store(out + column, f32x4.sub(idle, v128.load(reserved + column)));
        column += strideBytes;
      }
    }
  }
  for (let node: i32 = whole; node < nodeCount; ++node) {
    const at = (<usize>node) << 2;
    for (let column: i32 = 0; column < NEED_COLUMNS; ++column) {
      const row = at + <usize>(column / PHASE_COUNT) * strideBytes;
      const idle = load<f32>(allocatable + row) - load<f32>(allocated + row);
      const place = at + <usize>column * strideBytes;
      store<f32>(out + place, idle - load<f32>(reserved + place));
    }
  }
}

/**
 * Sum of each column over the nodes, in float64: exact, and so independent of order, for the
 * multiples of 2^-10 that pools are made of.
 *
 *   table  f32[columnCount][strideBytes / 4]  read
 *   out    f64[columnCount]                   written
 *
 * NaN or opposite infinities give NaN. Reference: `columnSumsReference`.
 */
export function columnSums(
  table: usize,
  strideBytes: usize,
  nodeCount: i32,
  columnCount: i32,
  out: usize,
): void {
  const whole = nodeCount & ~3;
  for (let column: i32 = 0; column < columnCount; ++column) {
    let low = f64x2.splat(0.0);
    let high = f64x2.splat(0.0);
    for (let node: i32 = 0; node < whole; node += 4) {
      const values = v128.load(table + ((<usize>node) << 2));
      low = f64x2.add(low, f64x2.promote_low_f32x4(values));
      high = f64x2.add(high, f64x2.promote_low_f32x4(upperHalf(values)));
    }
    const pair = f64x2.add(low, high);
    let sum = f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
    for (let node: i32 = whole; node < nodeCount; ++node) {
      sum += <f64>load<f32>(table + ((<usize>node) << 2));
    }
    store<f64>(out + ((<usize>column) << 3), sum <= Infinity ? sum : NaN);
    table += strideBytes;
  }
}

/** Lanes 2 and 3 in the place of 0 and 1. */
export function upperHalf(values: v128): v128 {
  return i64x2.shuffle(values, values, 1, 0);
}
