/**
 * The working state of one cover problem, at the start of the kernel's scratch.
 *
 * Amounts are multiples of 2^-10, so what is left after any order of takes and drops is exact and
 * the same set of candidates always leaves the same bits. Four resources are two vectors of f64.
 */

// Header. The first six are f64[4], one value a resource.
export const NEED: usize = 0; //        what the chosen have to free, 0 where nothing is asked
export const LEFT: usize = 32; //       NEED less what the chosen free, negative where ample
export const INVERSE: usize = 64; //    1 / NEED, 0 where nothing is asked
export const LAMBDA: usize = 96; //     multiplier of the share of NEED
export const MU: usize = 128; //        LAMBDA * INVERSE: multiplier of the amount itself
export const BEST_LAMBDA: usize = 160;
export const BEST_COST: usize = 192; // f64
export const BOUND: usize = 200; //     f64
export const ROWS: usize = 208; //      the rest are addresses and counts of 4 bytes
export const COSTS: usize = 212;
export const REDUCED: usize = 216; //   f64[count] cost less the worth of what it frees
export const ORDER: usize = 220; //     i32[count] dearest first
export const GROUPS: usize = 224; //    i32[count]
export const BUDGETS: usize = 228; //   i32[groupCount]
export const OPEN: usize = 232; //      i32[groupCount] BUDGETS less the chosen
export const CHOSEN: usize = 236; //    u8[count]
export const BEST: usize = 240; //      u8[count]
export const CORE: usize = 244; //      i32[2][CORE_MAX] candidates of the moves: out, then in
export const COUNT: usize = 248; //     i32
export const GROUP_COUNT: usize = 252; // i32
export const KEYS: usize = 256; //      f64[count] what the search sorts by
export const SEARCH: usize = 260; //    SEARCH_BYTES of the search's own
export const MARGIN: usize = 264; //    f64 what rounding may have added to a relaxed optimum
// Of the climb: f64[4] each but the last, which is f64[4][4].
export const POINT: usize = 272; //     where it stands; multipliers are what of it is above 0
export const SLOPE: usize = 304; //     of the relaxed optimum at POINT
export const LAST_SLOPE: usize = 336;
export const AHEAD: usize = 368; //     direction of the step
export const TURNED: usize = 400; //    a slope seen through STRETCH
export const STRETCH: usize = 432; //   rows of the space's dilation
export const HEADER_BYTES: usize = 560;

/** Longest list of each side of the moves; pairs of one side with one of the other are tried. */
export const CORE_MAX: i32 = 48;

export function rowOf(board: usize, index: i32): usize {
  return load<usize>(board, ROWS) + ((<usize>index) << 5);
}

export function costOf(board: usize, index: i32): f64 {
  return load<f64>(load<usize>(board, COSTS) + ((<usize>index) << 3));
}

export function isChosen(board: usize, index: i32): bool {
  return load<u8>(load<usize>(board, CHOSEN) + <usize>index) !== 0;
}

/** How many more of the candidate's group may be chosen: address of an i32. */
export function openOf(board: usize, index: i32): usize {
  const group = load<i32>(load<usize>(board, GROUPS) + ((<usize>index) << 2));
  return load<usize>(board, OPEN) + ((<usize>group) << 2);
}

/** Nothing chosen. */
export function clear(board: usize): void {
  v128.store(board, v128.load(board, NEED), LEFT);
  v128.store(board, v128.load(board, NEED + 16), LEFT + 16);
  memory.fill(load<usize>(board, CHOSEN), 0, load<i32>(board, COUNT));
  const bytes = (<usize>load<i32>(board, GROUP_COUNT)) << 2;
  memory.copy(load<usize>(board, OPEN), load<usize>(board, BUDGETS), bytes);
}

export function take(board: usize, index: i32): void {
  const row = rowOf(board, index);
  v128.store(board, f64x2.sub(v128.load(board, LEFT), v128.load(row)), LEFT);
  v128.store(board, f64x2.sub(v128.load(board, LEFT + 16), v128.load(row, 16)), LEFT + 16);
  store<u8>(load<usize>(board, CHOSEN) + <usize>index, 1);
  const open = openOf(board, index);
  store<i32>(open, load<i32>(open) - 1);
}

export function drop(board: usize, index: i32): void {
  const row = rowOf(board, index);
  v128.store(board, f64x2.add(v128.load(board, LEFT), v128.load(row)), LEFT);
  v128.store(board, f64x2.add(v128.load(board, LEFT + 16), v128.load(row, 16)), LEFT + 16);
  store<u8>(load<usize>(board, CHOSEN) + <usize>index, 0);
  const open = openOf(board, index);
  store<i32>(open, load<i32>(open) + 1);
}

/** Whether an amount of each resource is 0 or less. */
export function isNone(low: v128, high: v128): bool {
  const zero = f64x2.splat(0.0);
  return i64x2.all_true(v128.and(f64x2.le(low, zero), f64x2.le(high, zero)));
}

export function isCovered(board: usize): bool {
  return isNone(v128.load(board, LEFT), v128.load(board, LEFT + 16));
}

/** Sum of the products of two f64[4]: lanes 0 and 2, 1 and 3, then both. */
export function dot(a: usize, b: usize): f64 {
  const low = f64x2.mul(v128.load(a), v128.load(b));
  const sum = f64x2.add(low, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Cost of the chosen, added in their order. */
export function chosenCost(board: usize): f64 {
  const count = load<i32>(board, COUNT);
  let sum: f64 = 0.0;
  for (let i: i32 = 0; i < count; ++i) {
    if (isChosen(board, i)) sum += costOf(board, i);
  }
  return sum;
}

/** Keeps the chosen when they cover and cost less than the best so far. */
export function keepIfBetter(board: usize): bool {
  const cost = chosenCost(board);
  if (!isCovered(board) || cost >= load<f64>(board, BEST_COST)) return false;
  store<f64>(board, cost, BEST_COST);
  memory.copy(load<usize>(board, BEST), load<usize>(board, CHOSEN), load<i32>(board, COUNT));
  return true;
}

/** The best so far becomes the chosen. */
export function restoreBest(board: usize): void {
  clear(board);
  const best = load<usize>(board, BEST);
  const count = load<i32>(board, COUNT);
  for (let i: i32 = 0; i < count; ++i) {
    if (load<u8>(best + <usize>i) !== 0) take(board, i);
  }
}
