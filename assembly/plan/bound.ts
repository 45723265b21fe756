/**
 * The Lagrangian of the cover: a lower bound on every plan's cost.
 *
 * The need is priced instead of demanded. What is left is separable: within each group the budget's
 * worth of candidates with the least reduced cost, as far as that is negative.
 */
import {
  BEST_LAMBDA,
  BUDGETS,
  COUNT,
  clear,
  costOf,
  dot,
  GROUP_COUNT,
  GROUPS,
  INVERSE,
  isChosen,
  LAMBDA,
  MARGIN,
  MU,
  REDUCED,
  rowOf,
  take,
} from "./board";

/** Cost less the worth, at the multipliers in LAMBDA, of what each candidate frees. */
export function reprice(board: usize): void {
  for (let d: usize = 0; d < 32; d += 8) {
    store<f64>(board + d, load<f64>(board + d, LAMBDA) * load<f64>(board + d, INVERSE), MU);
  }
  const count = load<i32>(board, COUNT);
  const reduced = load<usize>(board, REDUCED);
  for (let i: i32 = 0; i < count; ++i) {
    const worth = dot(board + MU, rowOf(board, i));
    store<f64>(reduced + ((<usize>i) << 3), costOf(board, i) - worth);
  }
}

/** Chooses the relaxed optimum; returns its value less what rounding may have added (MARGIN). */
export function relax(board: usize): f64 {
  reprice(board);
  clear(board);
  const count = load<i32>(board, COUNT);
  const groups = load<usize>(board, GROUPS);
  let from: i32 = 0;
  for (let group: i32 = 0; group < load<i32>(board, GROUP_COUNT); ++group) {
    let to = from;
    while (to < count && load<i32>(groups + ((<usize>to) << 2)) === group) ++to;
    const budget = load<i32>(load<usize>(board, BUDGETS) + ((<usize>group) << 2));
    takeNegative(board, from, to, budget);
    from = to;
  }
  let value: f64 = 0.0;
  let size: f64 = 0.0;
  for (let d: usize = 0; d < 32; d += 8) value += load<f64>(board + d, LAMBDA);
  size += value;
  for (let i: i32 = 0; i < count; ++i) {
    const reduced = load<f64>(load<usize>(board, REDUCED) + ((<usize>i) << 3));
    size += costOf(board, i) + abs<f64>(reduced);
    if (isChosen(board, i)) value += reduced;
  }
  // 2^-50 a term is more than the additions and products above can be off by.
  store<f64>(board, <f64>(count + 4) * size * 8.8817841970012523e-16, MARGIN);
  return value - load<f64>(board, MARGIN);
}

function takeNegative(board: usize, from: i32, to: i32, budget: i32): void {
  const reduced = load<usize>(board, REDUCED);
  if (to - from <= budget) {
    for (let i = from; i < to; ++i) {
      if (load<f64>(reduced + ((<usize>i) << 3)) < 0.0) take(board, i);
    }
    return;
  }
  for (let turn: i32 = 0; turn < budget; ++turn) {
    let best: i32 = -1;
    let least: f64 = 0.0;
    for (let i = from; i < to; ++i) {
      const value = load<f64>(reduced + ((<usize>i) << 3));
      if (value < least && !isChosen(board, i)) {
        least = value;
        best = i;
      }
    }
    if (best < 0) return;
    take(board, best);
  }
}

/** Reduced costs at the multipliers of the best bound. */
export function repriceAtBest(board: usize): void {
  memory.copy(board + LAMBDA, board + BEST_LAMBDA, 32);
  reprice(board);
}
