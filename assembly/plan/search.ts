/**
 * Branch and bound around the relaxed optimum: which few candidates are decided the other way?
 *
 * At fixed multipliers a plan costs the bound, plus the reduced cost of every candidate decided
 * against its sign, plus the worth of what it frees beyond the need. So only candidates whose
 * reduced cost is within the gap can differ, and a branch ends as soon as these terms fill the gap,
 * or those still open can no longer cover, or no longer shed what is beyond the need.
 */
import {
  BEST_COST,
  BEST_LAMBDA,
  BOUND,
  COUNT,
  drop,
  GROUP_COUNT,
  GROUPS,
  isChosen,
  isCovered,
  isNone,
  KEYS,
  keepIfBetter,
  LAMBDA,
  LEFT,
  MARGIN,
  MU,
  ORDER,
  openOf,
  REDUCED,
  rowOf,
  SEARCH,
  take,
} from "./board";
import { relax } from "./bound";
import { sortBy } from "./greedy";

/** Most candidates that may differ. */
const OPEN_MAX: i32 = 256;
/** Branches looked at in the last pass; the earlier ones have their share of it. */
const BRANCHES: f64 = 24_000.0;

// Regions at SEARCH, for positions 0 to OPEN_MAX in the order of rising reduced cost.
const GIVE: usize = 0; //        f64[257][4] what the earlier ones would free if they came in
const SHED: usize = 8224; //     f64[257][4] what the earlier ones would no longer free
const STEP: usize = 16448; //    f64[256] size of the reduced cost
const SPENT: usize = 18496; //   f64[256] a stack: reduced cost spent before the branch
const BRANCH: usize = 20544; //  i32[256] its position, twice, plus 1 once it is flipped
export const SEARCH_BYTES: i32 = 21568;

/** Three passes with a quarter, half and all of the gap; each that ends within its branches raises BOUND. */
export function search(board: usize): void {
  memory.copy(board + LAMBDA, board + BEST_LAMBDA, 32);
  const root = relax(board);
  const margin = load<f64>(board, MARGIN);
  charge(board);
  sortBy(board, load<usize>(board, KEYS));
  let share: f64 = 0.25;
  for (let pass: i32 = 0; pass < 3; ++pass) {
    const gap = load<f64>(board, BEST_COST) - root;
    if (!(gap > 4.0 * margin)) return;
    let limit = share * gap;
    const size = list(board, limit);
    if (size < load<i32>(board, COUNT)) limit = min<f64>(limit, stepOf(board, size));
    if (!branch(board, size, root, limit, <i32>(share * BRANCHES))) return;
    const proven = min<f64>(load<f64>(board, BEST_COST), root + limit) - 2.0 * margin;
    store<f64>(board, max<f64>(load<f64>(board, BOUND), proven), BOUND);
    share *= 2.0;
  }
}

/** Charges a spent budget to the group's members; KEYS is the size of the reduced cost, negated. */
function charge(board: usize): void {
  const count = load<i32>(board, COUNT);
  const reduced = load<usize>(board, REDUCED);
  const groups = load<usize>(board, GROUPS);
  let from: i32 = 0;
  for (let group: i32 = 0; group < load<i32>(board, GROUP_COUNT); ++group) {
    let price: f64 = 0.0;
    let to = from;
    for (; to < count && load<i32>(groups + ((<usize>to) << 2)) === group; ++to) {
      const value = load<f64>(reduced + ((<usize>to) << 3));
      if (!isChosen(board, to)) price = max<f64>(price, -value);
    }
    for (let i = from; i < to; ++i) {
      const key = -abs<f64>(load<f64>(reduced + ((<usize>i) << 3)) + price);
      store<f64>(load<usize>(board, KEYS) + ((<usize>i) << 3), key);
    }
    from = to;
  }
}

/** The candidate at a position, the smallest reduced cost first. */
function at(board: usize, position: i32): i32 {
  return load<i32>(load<usize>(board, ORDER) + ((<usize>position) << 2));
}

function stepOf(board: usize, position: i32): f64 {
  return -load<f64>(load<usize>(board, KEYS) + ((<usize>at(board, position)) << 3));
}

/** Writes the regions of the candidates whose reduced cost is below `limit`; their number. */
function list(board: usize, limit: f64): i32 {
  const base = load<usize>(board, SEARCH);
  const count = min<i32>(load<i32>(board, COUNT), OPEN_MAX);
  memory.fill(base + GIVE, 0, 32);
  memory.fill(base + SHED, 0, 32);
  let size: i32 = 0;
  for (; size < count; ++size) {
    const step = stepOf(board, size);
    if (!(step < limit)) break;
    store<f64>(base + ((<usize>size) << 3), step, STEP);
    const index = at(board, size);
    const isIn = isChosen(board, index);
    append(base + GIVE, size, index, board, !isIn);
    append(base + SHED, size, index, board, isIn);
  }
  return size;
}

/** The sum so far, and the candidate's row where it counts. */
function append(region: usize, position: i32, index: i32, board: usize, counts: bool): void {
  const from = region + ((<usize>position) << 5);
  let low = v128.load(from);
  let high = v128.load(from, 16);
  if (counts) {
    low = f64x2.add(low, v128.load(rowOf(board, index)));
    high = f64x2.add(high, v128.load(rowOf(board, index), 16));
  }
  v128.store(from, low, 32);
  v128.store(from, high, 48);
}

/**
 * Depth first, the largest reduced cost decided first and by its sign first. False when the
 * branches ran out. Leaves the relaxed optimum as it was.
 */
function branch(board: usize, size: i32, root: f64, limit: f64, branches: i32): bool {
  const base = load<usize>(board, SEARCH);
  let most = limit;
  let depth: i32 = 0;
  let position = size;
  let spent: f64 = 0.0;
  for (let seen: i32 = 0; seen < branches; ++seen) {
    let isOpen = false;
    if (canReach(board, position, most - spent)) {
      while (position > 0 && !(spent + stepAt(base, position - 1) < most)) --position;
      isOpen = position > 0;
      if (!isOpen && isCovered(board) && isAllowed(board, depth) && keepIfBetter(board)) {
        most = min<f64>(limit, load<f64>(board, BEST_COST) - root);
      }
    }
    if (isOpen) {
      push(base, depth++, --position, spent);
      continue;
    }
    // Back to the last candidate that was decided by its sign only.
    for (;;) {
      if (depth === 0) return true;
      const entry = load<i32>(base + ((<usize>(depth - 1)) << 2), BRANCH);
      position = entry >> 1;
      spent = load<f64>(base + ((<usize>(depth - 1)) << 3), SPENT);
      if ((entry & 1) === 0 && spent + stepAt(base, position) < most) break;
      if ((entry & 1) !== 0) flip(board, position);
      --depth;
    }
    flip(board, position);
    store<i32>(base + ((<usize>(depth - 1)) << 2), (position << 1) | 1, BRANCH);
    spent += stepAt(base, position);
  }
  while (depth > 0) {
    const entry = load<i32>(base + ((<usize>--depth) << 2), BRANCH);
    if ((entry & 1) !== 0) flip(board, entry >> 1);
  }
  return false;
}

function stepAt(base: usize, position: i32): f64 {
  return load<f64>(base + ((<usize>position) << 3), STEP);
}

function push(base: usize, depth: i32, position: i32, spent: f64): void {
  store<i32>(base + ((<usize>depth) << 2), position << 1, BRANCH);
  store<f64>(base + ((<usize>depth) << 3), spent, SPENT);
}

function flip(board: usize, position: i32): void {
  const index = at(board, position);
  if (isChosen(board, index)) drop(board, index);
  else take(board, index);
}

/** Can the open candidates cover what is left, and shed what is beyond the need within `rest`? */
function canReach(board: usize, position: i32, rest: f64): bool {
  const sums = load<usize>(board, SEARCH) + ((<usize>position) << 5);
  const low = v128.load(board, LEFT);
  const high = v128.load(board, LEFT + 16);
  const lackLow = f64x2.sub(low, v128.load(sums, GIVE));
  if (!isNone(lackLow, f64x2.sub(high, v128.load(sums, GIVE + 16)))) return false;
  const zero = f64x2.splat(0.0);
  const overLow = f64x2.max(zero, f64x2.neg(f64x2.add(low, v128.load(sums, SHED))));
  const overHigh = f64x2.max(zero, f64x2.neg(f64x2.add(high, v128.load(sums, SHED + 16))));
  const worthLow = f64x2.mul(overLow, v128.load(board, MU));
  const worth = f64x2.add(worthLow, f64x2.mul(overHigh, v128.load(board, MU + 16)));
  return f64x2.extract_lane(worth, 0) + f64x2.extract_lane(worth, 1) < rest;
}

/** No budget is exceeded by those that came in. */
function isAllowed(board: usize, depth: i32): bool {
  const base = load<usize>(board, SEARCH);
  for (let k: i32 = 0; k < depth; ++k) {
    const entry = load<i32>(base + ((<usize>k) << 2), BRANCH);
    if ((entry & 1) === 0) continue;
    const index = at(board, entry >> 1);
    if (isChosen(board, index) && load<i32>(openOf(board, index)) < 0) return false;
  }
  return true;
}
