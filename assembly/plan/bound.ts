/**
 * The Lagrangian of the cover: a lower bound on every plan's cost, and a good plan from each step.
 *
 * The need is priced instead of demanded. What is left is separable: within each group the budget's
 * worth of candidates with the least reduced cost, as far as that is negative.
 */
import {
  BEST_COST,
  BEST_LAMBDA,
  BOUND,
  BUDGETS,
  COUNT,
  clear,
  costOf,
  dot,
  GROUP_COUNT,
  GROUPS,
  INVERSE,
  isChosen,
  keepIfBetter,
  LAMBDA,
  LEFT,
  MU,
  NEED,
  REDUCED,
  rowOf,
  take,
} from "./board";
import { fill, reverseDelete, sortBy } from "./greedy";

const STEPS: i32 = 60;
const STALLS_MAX: i32 = 6;

/** 60 subgradient steps at most; ends early once the best plan is proven. */
export function lagrange(board: usize): void {
  start(board);
  let theta: f64 = 1.5;
  let stalls: i32 = 0;
  for (let step: i32 = 0; step < STEPS; ++step) {
    const value = relax(board);
    if (value > load<f64>(board, BOUND)) {
      store<f64>(board, value, BOUND);
      memory.copy(board + BEST_LAMBDA, board + LAMBDA, 32);
      stalls = 0;
    } else if (++stalls === STALLS_MAX) {
      theta *= 0.6;
      stalls = 0;
    }
    const norm = climb(board, theta, value);
    fill(board, load<usize>(board, REDUCED));
    sortBy(board, load<usize>(board, REDUCED));
    reverseDelete(board);
    keepIfBetter(board);
    if (norm === 0.0 || load<f64>(board, BOUND) >= load<f64>(board, BEST_COST)) return;
  }
}

/** Every resource that is asked for carries an equal part of half the first plan's cost. */
function start(board: usize): void {
  let asked: f64 = 0.0;
  for (let d: usize = 0; d < 32; d += 8) {
    if (load<f64>(board + d, NEED) > 0.0) asked += 1.0;
  }
  const part = (0.5 * load<f64>(board, BEST_COST)) / asked;
  for (let d: usize = 0; d < 32; d += 8) {
    store<f64>(board + d, load<f64>(board + d, NEED) > 0.0 ? part : 0.0, LAMBDA);
  }
  memory.copy(board + BEST_LAMBDA, board + LAMBDA, 32);
  store<f64>(board, 0.0, BOUND);
}

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

/** Chooses the relaxed optimum; returns its value less what rounding may have added. */
function relax(board: usize): f64 {
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
  return value - <f64>(count + 4) * size * 8.8817841970012523e-16;
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

/** Moves the multipliers towards what the relaxed optimum leaves short; returns the slope's norm. */
function climb(board: usize, theta: f64, value: f64): f64 {
  let norm: f64 = 0.0;
  for (let d: usize = 0; d < 32; d += 8) {
    const slope = load<f64>(board + d, LEFT) * load<f64>(board + d, INVERSE);
    norm += slope * slope;
  }
  if (norm === 0.0) return norm;
  const step = (theta * (load<f64>(board, BEST_COST) - value)) / norm;
  for (let d: usize = 0; d < 32; d += 8) {
    const slope = load<f64>(board + d, LEFT) * load<f64>(board + d, INVERSE);
    store<f64>(board + d, max<f64>(0.0, load<f64>(board + d, LAMBDA) + step * slope), LAMBDA);
  }
  return norm;
}

/** Reduced costs at the multipliers of the best bound. */
export function repriceAtBest(board: usize): void {
  memory.copy(board + LAMBDA, board + BEST_LAMBDA, 32);
  reprice(board);
}
