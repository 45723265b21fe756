/** Covers what is left by the best ratio of price to gain, and spares whoever is not needed. */
import {
  CHOSEN,
  COUNT,
  costOf,
  drop,
  INVERSE,
  isChosen,
  isCovered,
  isNone,
  KEYS,
  LEFT,
  ORDER,
  openOf,
  ROWS,
  rowOf,
  take,
} from "./board";

/** Share of the need that a candidate still frees, summed over the resources. */
function gainOf(board: usize, index: i32): f64 {
  const row = rowOf(board, index);
  const zero = f64x2.splat(0.0);
  const shortLow = f64x2.max(v128.load(board, LEFT), zero);
  const shortHigh = f64x2.max(v128.load(board, LEFT + 16), zero);
  const low = f64x2.mul(f64x2.min(v128.load(row), shortLow), v128.load(board, INVERSE));
  const high = f64x2.mul(f64x2.min(v128.load(row, 16), shortHigh), v128.load(board, INVERSE + 16));
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/**
 * Takes the least price for its gain, the larger gain first among equals, until covered or nobody
 * gains. Prices below 0 count as 0.
 */
export function fill(board: usize, prices: usize): void {
  const count = load<i32>(board, COUNT);
  while (!isCovered(board)) {
    let best: i32 = -1;
    let least: f64 = Infinity;
    let most: f64 = 0.0;
    for (let i: i32 = 0; i < count; ++i) {
      if (isChosen(board, i) || load<i32>(openOf(board, i)) < 1) continue;
      const gain = gainOf(board, i);
      if (!(gain > 0.0)) continue;
      const ratio = max<f64>(load<f64>(prices + ((<usize>i) << 3)), 0.0) / gain;
      if (ratio < least || (ratio === least && gain > most)) {
        least = ratio;
        most = gain;
        best = i;
      }
    }
    if (best < 0) return;
    take(board, best);
  }
}

/** Takes by falling gain for the cost, as gains are at first, whoever still gains, until covered. */
export function takeInOrder(board: usize): void {
  const count = load<i32>(board, COUNT);
  const keys = load<usize>(board, KEYS);
  for (let i: i32 = 0; i < count; ++i) {
    const gain = gainOf(board, i);
    store<f64>(keys + ((<usize>i) << 3), gain > 0.0 ? -(gain / costOf(board, i)) : 1.0);
  }
  sortBy(board, keys);
  for (let k: i32 = count - 1; k >= 0 && !isCovered(board); --k) {
    const i = load<i32>(load<usize>(board, ORDER) + ((<usize>k) << 2));
    if (load<i32>(openOf(board, i)) > 0 && gainOf(board, i) > 0.0) take(board, i);
  }
}

/**
 * Drops the chosen wherever the rest still covers, the largest key first, the later one among
 * equals. Who cannot go now cannot go after another either.
 */
export function reverseDelete(board: usize, keys: usize): void {
  const count = load<i32>(board, COUNT);
  const chosen = load<usize>(board, CHOSEN);
  const rows = load<usize>(board, ROWS);
  for (;;) {
    const leftLow = v128.load(board, LEFT);
    const leftHigh = v128.load(board, LEFT + 16);
    let first: i32 = -1;
    let most: f64 = -Infinity;
    for (let i: i32 = 0; i < count; ++i) {
      if (load<u8>(chosen + <usize>i) === 0) continue;
      const row = rows + ((<usize>i) << 5);
      const low = f64x2.add(leftLow, v128.load(row));
      if (!isNone(low, f64x2.add(leftHigh, v128.load(row, 16)))) continue;
      const key = load<f64>(keys + ((<usize>i) << 3));
      if (key >= most) {
        most = key;
        first = i;
      }
    }
    if (first < 0) return;
    drop(board, first);
  }
}

/** Orders all candidates by falling key, the later one first among equals: a heap sort. */
export function sortBy(board: usize, keys: usize): void {
  const count = load<i32>(board, COUNT);
  const order = load<usize>(board, ORDER);
  for (let i: i32 = 0; i < count; ++i) store<i32>(order + ((<usize>i) << 2), i);
  for (let root: i32 = (count >> 1) - 1; root >= 0; --root) sift(order, keys, root, count);
  for (let end: i32 = count - 1; end > 0; --end) {
    const last = order + ((<usize>end) << 2);
    const first = load<i32>(order);
    store<i32>(order, load<i32>(last));
    store<i32>(last, first);
    sift(order, keys, 0, end);
  }
}

/** The heap's root is what comes last. */
function sift(order: usize, keys: usize, root: i32, end: i32): void {
  const moved = load<i32>(order + ((<usize>root) << 2));
  let at = root;
  for (let child: i32 = 2 * at + 1; child < end; child = 2 * at + 1) {
    let found = load<i32>(order + ((<usize>child) << 2));
    if (child + 1 < end) {
      const other = load<i32>(order + ((<usize>(child + 1)) << 2));
      if (isAfter(keys, other, found)) {
        found = other;
        ++child;
      }
    }
    if (!isAfter(keys, found, moved)) break;
    store<i32>(order + ((<usize>at) << 2), found);
    at = child;
  }
  store<i32>(order + ((<usize>at) << 2), moved);
}

function isAfter(keys: usize, a: i32, b: i32): bool {
  const x = load<f64>(keys + ((<usize>a) << 3));
  const y = load<f64>(keys + ((<usize>b) << 3));
  return x < y || (x === y && a < b);
}
