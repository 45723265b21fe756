const QUANTA: f64 = 1024.0;
const QUANTUM: f64 = 0.0009765625;
// From 2^32 quanta to one takes 32 halvings.
const HALVINGS_MAX: i32 = 40;

/** Adds the largest of three rows, draw by draw. */
function addLargest(sums: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  if (a === b && b === c) {
    for (let at: usize = 0; at < bytes; at += 32) {
      v128.store(sums + at, f64x2.add(v128.load(sums + at), v128.load(a + at)));
      v128.store(sums + at, f64x2.add(v128.load(sums + at, 16), v128.load(a + at, 16)), 16);
    }
    return;
  }
  for (let at: usize = 0; at < bytes; at += 32) {
    let low = f64x2.max(v128.load(a + at), v128.load(b + at));
    let high = f64x2.max(v128.load(a + at, 16), v128.load(b + at, 16));
    low = f64x2.max(low, v128.load(c + at));
    high = f64x2.max(high, v128.load(c + at, 16));
    v128.store(sums + at, f64x2.add(v128.load(sums + at), low));
    v128.store(sums + at, f64x2.add(v128.load(sums + at, 16), high), 16);
  }
}

/** How many sums are above the value; NaN is above everything. */
function countAbove(sums: usize, value: f64, drawCount: i32): i32 {
  const bar = f64x2.splat(value);
  const bytes = (<usize>drawCount) << 3;
  let below = i64x2.splat(0);
  for (let at: usize = 0; at < bytes; at += 32) {
    below = i64x2.sub(below, f64x2.le(v128.load(sums + at), bar));
    below = i64x2.sub(below, f64x2.le(v128.load(sums + at, 16), bar));
  }
  return drawCount - <i32>(i64x2.extract_lane(below, 0) + i64x2.extract_lane(below, 1));
}

/**
 * Quantile of a sum of draws: the least multiple of 2^-10 from `low` to `high` that at most
 * `aboveMax` of the sums exceed; `high` when there is none.
 *
 *   rows  i32[memberCount][3]  read: addresses of three f64[drawCount], 16-byte aligned; a member
 *                              counts with the largest of them, draw by draw (they may be one)
 *   sums  f64[drawCount]       written: the members' sums
 *
 * `low` and `high` are multiples of 2^-10 below 2^42, `drawCount` a multiple of 4. The result never
 * falls when a member is added, and with draws that are multiples of 2^-10 it does not depend on
 * the members' order. A NaN draw makes its sum larger than anything. `sums` must not overlap a row.
 * Reference: `drawQuantileReference`.
 */
export function drawQuantile(
  rows: usize,
  memberCount: i32,
  drawCount: i32,
  aboveMax: i32,
  low: f64,
  high: f64,
  sums: usize,
): f64 {
  const bytes = (<usize>drawCount) << 3;
  memory.fill(sums, 0, bytes);
  for (let member: i32 = 0; member < memberCount; ++member) {
    const row = rows + <usize>member * 12;
    const first = <usize>load<u32>(row);
    addLargest(sums, first, <usize>load<u32>(row, 4), <usize>load<u32>(row, 8), bytes);
  }
  if (countAbove(sums, low, drawCount) <= aboveMax) return low;
  let lower = low;
  let upper = high;
  for (let left: i32 = HALVINGS_MAX; left > 0 && upper - lower > QUANTUM; --left) {
    const middle = floor((lower + upper) * 0.5 * QUANTA) * QUANTUM;
    if (countAbove(sums, middle, drawCount) <= aboveMax) upper = middle;
    else lower = middle;
  }
  return upper;
}
