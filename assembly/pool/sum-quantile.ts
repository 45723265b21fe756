const QUANTA: f64 = 1024.0;
const QUANTUM: f64 = 0.0009765625;

/** Puts a value in its place among the largest so far, which fall; the least drops out. */
function insert(top: usize, last: usize, value: f64): void {
  let at = last;
  while (at > top && !(load<f64>(at - 8) >= value)) {
    store<f64>(at, load<f64>(at - 8));
    at -= 8;
  }
  store<f64>(at, value);
}

/**
 * Quantile of a sum of draws: the least multiple of 2^-10 from `low` to `high` that at most
 * `aboveMax` of the sums exceed; `high` when there is none.
 *
 *   sums  f64[drawCount]     read, 16-byte aligned
 *   top   f64[aboveMax + 1]  written: the largest sums, falling
 *
 * `low` and `high` are multiples of 2^-10 below 2^42, `drawCount` a multiple of 4. A NaN sum is
 * larger than anything. One pass that keeps the largest: few sums come in after the first. Regions
 * must not overlap. Reference: `drawQuantileReference`.
 */
export function sumQuantile(
  sums: usize,
  drawCount: i32,
  aboveMax: i32,
  low: f64,
  high: f64,
  top: usize,
): f64 {
  const last = top + ((<usize>aboveMax) << 3);
  for (let at = top; at <= last; at += 8) store<f64>(at, -Infinity);
  const end = sums + ((<usize>drawCount) << 3);
  // Whatever is not above `low` would be answered with `low` all the same.
  let bar = f64x2.splat(low);
  for (let from = sums; from < end; from += 32) {
    const first = f64x2.le(v128.load(from), bar);
    const second = f64x2.le(v128.load(from, 16), bar);
    if (i64x2.all_true(v128.and(first, second))) continue;
    for (let at = from; at < from + 32; at += 8) {
      const value = load<f64>(at);
      if (value <= load<f64>(last)) continue;
      insert(top, last, select<f64>(value, Infinity, value <= Infinity));
    }
    bar = f64x2.splat(max(low, load<f64>(last)));
  }
  const found = ceil(load<f64>(last) * QUANTA) * QUANTUM;
  return min(high, max(low, found));
}
