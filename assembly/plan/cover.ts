import {
  BEST,
  BEST_COST,
  BOUND,
  BUDGETS,
  CHOSEN,
  CORE,
  CORE_MAX,
  COSTS,
  COUNT,
  clear,
  GROUP_COUNT,
  GROUPS,
  HEADER_BYTES,
  INVERSE,
  isCovered,
  isNone,
  KEYS,
  keepIfBetter,
  LEFT,
  NEED,
  OPEN,
  ORDER,
  REDUCED,
  ROWS,
  restoreBest,
  SEARCH,
} from "./board";
import { climb } from "./climb";
import { fill, reverseDelete, takeInOrder } from "./greedy";
import { polish } from "./moves";
import { SEARCH_BYTES, search } from "./search";

/** Bytes of `leastCover`'s scratch; a multiple of 16. */
export function coverScratchBytes(count: i32, groupCount: i32): i32 {
  const bytes = <i32>HEADER_BYTES + count * 56 + groupCount * 4 + CORE_MAX * 8 + SEARCH_BYTES;
  return (bytes + 15) & ~15;
}

/**
 * Chooses candidates that together free at least `needed` of every resource, at a cost near the
 * least: greedy, Lagrangian with repair, moves, then branch and bound. Never worse than the greedy it
 * starts from.
 *
 *   freed    f64[count][4]    read; >= 0, multiples of 2^-10 below 2^40
 *   costs    f64[count]       read; >= 0, finite
 *   groups   i32[count]       read; rising from 0, a group's members side by side
 *   needed   f64[4]           read; multiples of 2^-10; 0 and less asks for nothing
 *   budgets  i32[groupCount]  read; how many of each group may be chosen
 *   scratch  coverScratchBytes(count, groupCount), 16-byte aligned; overwritten
 *   chosen   u8[count]        written: 1 when chosen
 *   result   f64[2]           written: cost of the chosen, lower bound of any such choice
 *
 * Returns 1 when covered. Else 0: then the chosen free at least what the greedy reached within the
 * budgets, at a near-least cost, and the bound is for that. Regions must not overlap. Inputs that are
 * not as said (NaN among them) give some choice within the budgets that covers nothing for certain.
 * Work: 60 steps of O(count) and the fills, 16 rounds of at most 10^5 moves, 42,000 branches.
 * Reference: `leastCoverReference`, host/coordinator/cover-reference.ts.
 */
export function leastCover(
  freed: usize,
  costs: usize,
  groups: usize,
  count: i32,
  needed: usize,
  budgets: usize,
  groupCount: i32,
  scratch: usize,
  chosen: usize,
  result: usize,
): i32 {
  layOut(scratch, count, groupCount);
  store<usize>(scratch, costs, COSTS);
  store<usize>(scratch, groups, GROUPS);
  store<usize>(scratch, budgets, BUDGETS);
  ask(scratch, needed, freed);
  reach(scratch, freed);
  store<f64>(scratch, Infinity, BEST_COST);
  store<f64>(scratch, 0.0, BOUND);
  reverseDelete(scratch, costs);
  keepIfBetter(scratch);
  if (!isNone(v128.load(scratch, NEED), v128.load(scratch, NEED + 16))) {
    climb(scratch);
    polish(scratch);
    search(scratch);
  }
  // The last choice may cover all of it where the greedy's reach was short.
  ask(scratch, needed, freed);
  restoreBest(scratch);
  memory.copy(chosen, load<usize>(scratch, BEST), count);
  const cost = load<f64>(scratch, BEST_COST);
  store<f64>(result, cost);
  store<f64>(result, min<f64>(cost, load<f64>(scratch, BOUND)), 8);
  return isCovered(scratch) ? 1 : 0;
}

function layOut(board: usize, count: i32, groupCount: i32): void {
  const n = <usize>count;
  let at = board + HEADER_BYTES;
  store<usize>(board, at, ROWS);
  at += n << 5;
  store<usize>(board, at, REDUCED);
  at += n << 3;
  store<usize>(board, at, KEYS);
  at += n << 3;
  store<usize>(board, at, SEARCH);
  at += <usize>SEARCH_BYTES;
  store<usize>(board, at, ORDER);
  at += n << 2;
  store<usize>(board, at, OPEN);
  at += (<usize>groupCount) << 2;
  store<usize>(board, at, CORE);
  at += (<usize>CORE_MAX) << 3;
  store<usize>(board, at, CHOSEN);
  store<usize>(board, at + n, BEST);
  store<i32>(board, count, COUNT);
  store<i32>(board, groupCount, GROUP_COUNT);
  memory.fill(at, 0, n << 1);
}

function ask(board: usize, needed: usize, freed: usize): void {
  const zero = f64x2.splat(0.0);
  v128.store(board, f64x2.max(v128.load(needed), zero), NEED);
  v128.store(board, f64x2.max(v128.load(needed, 16), zero), NEED + 16);
  fit(board, freed);
  clear(board);
}

/** A first choice by cost; where budgets leave that short by gain; the need is what it frees. */
function reach(board: usize, freed: usize): void {
  takeInOrder(board);
  if (isCovered(board)) return;
  clear(board);
  fill(board, load<usize>(board, COSTS));
  if (isCovered(board)) return;
  clear(board);
  const reduced = load<usize>(board, REDUCED);
  memory.fill(reduced, 0, (<usize>load<i32>(board, COUNT)) << 3);
  fill(board, reduced);
  if (isCovered(board)) return;
  lower(board);
  fit(board, freed);
  rechoose(board);
}

/** Nobody frees more than the need: a cover stays one, and the bound rises. */
function fit(board: usize, freed: usize): void {
  const low = v128.load(board, NEED);
  const high = v128.load(board, NEED + 16);
  const rows = load<usize>(board, ROWS);
  const bytes = (<usize>load<i32>(board, COUNT)) << 5;
  for (let at: usize = 0; at < bytes; at += 32) {
    v128.store(rows + at, f64x2.min(v128.load(freed + at), low));
    v128.store(rows + at, f64x2.min(v128.load(freed + at, 16), high), 16);
  }
  for (let d: usize = 0; d < 32; d += 8) {
    const need = load<f64>(board + d, NEED);
    store<f64>(board + d, need > 0.0 ? 1.0 / need : 0.0, INVERSE);
  }
}

/** Asks only for what the chosen free. */
function lower(board: usize): void {
  for (let d: usize = 0; d < 32; d += 8) {
    const short = max<f64>(0.0, load<f64>(board + d, LEFT));
    store<f64>(board + d, load<f64>(board + d, NEED) - short, NEED);
  }
}

/** What is left, anew from the rows, with the same candidates chosen. */
function rechoose(board: usize): void {
  store<f64>(board, Infinity, BEST_COST);
  memory.copy(load<usize>(board, BEST), load<usize>(board, CHOSEN), load<i32>(board, COUNT));
  restoreBest(board);
}
