/** Polishes a cover: one or two leave for one or two that cost less together. */
import {
  BEST_COST,
  BOUND,
  CORE,
  CORE_MAX,
  COUNT,
  costOf,
  drop,
  isChosen,
  isNone,
  keepIfBetter,
  LEFT,
  ORDER,
  openOf,
  REDUCED,
  restoreBest,
  rowOf,
  take,
} from "./board";
import { repriceAtBest } from "./bound";
import { reverseDelete, sortBy } from "./greedy";

const ROUNDS: i32 = 16;

/**
 * Tries 1-1, 1-2 and 2-1 moves, first improvement, 16 improvements at most. Only candidates whose
 * reduced cost is within the gap between the plan and its bound can take part in a better plan
 * (unless a budget binds), so the others are not tried; of each side the 48 likeliest are.
 */
export function polish(board: usize): void {
  repriceAtBest(board);
  sortBy(board, load<usize>(board, REDUCED));
  for (let round: i32 = 0; round < ROUNDS; ++round) {
    const gap = load<f64>(board, BEST_COST) - load<f64>(board, BOUND);
    if (gap <= 0.0) return;
    restoreBest(board);
    const outs = listOuts(board, gap);
    const ins = listIns(board, gap);
    if (!swapOne(board, outs, ins) && !swapTwo(board, outs, ins)) return;
  }
}

function listed(board: usize, side: i32, at: i32): usize {
  return load<usize>(board, CORE) + ((<usize>(side * CORE_MAX + at)) << 2);
}

function reducedOf(board: usize, index: i32): f64 {
  return load<f64>(load<usize>(board, REDUCED) + ((<usize>index) << 3));
}

/** Of the chosen, those that are least worth their cost. */
function listOuts(board: usize, gap: f64): i32 {
  const count = load<i32>(board, COUNT);
  let size: i32 = 0;
  for (let k: i32 = 0; k < count && size < CORE_MAX; ++k) {
    const i = load<i32>(load<usize>(board, ORDER) + ((<usize>k) << 2));
    if (reducedOf(board, i) <= -gap) break;
    if (isChosen(board, i)) store<i32>(listed(board, 0, size++), i);
  }
  return size;
}

/** Of the others, those that are most worth their cost. */
function listIns(board: usize, gap: f64): i32 {
  let size: i32 = 0;
  for (let k: i32 = load<i32>(board, COUNT) - 1; k >= 0 && size < CORE_MAX; --k) {
    const i = load<i32>(load<usize>(board, ORDER) + ((<usize>k) << 2));
    if (reducedOf(board, i) >= gap) break;
    if (!isChosen(board, i)) store<i32>(listed(board, 1, size++), i);
  }
  return size;
}

function swapOne(board: usize, outs: i32, ins: i32): bool {
  for (let a: i32 = 0; a < outs; ++a) {
    const out = load<i32>(listed(board, 0, a));
    drop(board, out);
    if (enterOne(board, ins, costOf(board, out))) return true;
    if (enterTwo(board, ins, costOf(board, out))) return true;
    take(board, out);
  }
  return false;
}

function swapTwo(board: usize, outs: i32, ins: i32): bool {
  for (let a: i32 = 0; a < outs; ++a) {
    const first = load<i32>(listed(board, 0, a));
    drop(board, first);
    for (let b = a + 1; b < outs; ++b) {
      const second = load<i32>(listed(board, 0, b));
      drop(board, second);
      if (enterOne(board, ins, costOf(board, first) + costOf(board, second))) return true;
      take(board, second);
    }
    take(board, first);
  }
  return false;
}

/** Takes the first that covers and costs less than `limit`. */
function enterOne(board: usize, ins: i32, limit: f64): bool {
  for (let a: i32 = 0; a < ins; ++a) {
    const index = load<i32>(listed(board, 1, a));
    if (costOf(board, index) >= limit || load<i32>(openOf(board, index)) < 1) continue;
    const row = rowOf(board, index);
    const low = f64x2.sub(v128.load(board, LEFT), v128.load(row));
    if (!isNone(low, f64x2.sub(v128.load(board, LEFT + 16), v128.load(row, 16)))) continue;
    take(board, index);
    reverseDelete(board, load<usize>(board, REDUCED));
    return keepIfBetter(board);
  }
  return false;
}

function enterTwo(board: usize, ins: i32, limit: f64): bool {
  for (let a: i32 = 0; a < ins; ++a) {
    const first = load<i32>(listed(board, 1, a));
    const rest = limit - costOf(board, first);
    if (rest <= 0.0 || load<i32>(openOf(board, first)) < 1) continue;
    take(board, first);
    for (let b = a + 1; b < ins; ++b) {
      const second = load<i32>(listed(board, 1, b));
      if (costOf(board, second) >= rest || load<i32>(openOf(board, second)) < 1) continue;
      const row = rowOf(board, second);
      const low = f64x2.sub(v128.load(board, LEFT), v128.load(row));
      if (!isNone(low, f64x2.sub(v128.load(board, LEFT + 16), v128.load(row, 16)))) continue;
      take(board, second);
      reverseDelete(board, load<usize>(board, REDUCED));
      return keepIfBetter(board);
    }
    drop(board, first);
  }
  return false;
}
