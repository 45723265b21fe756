/** The moves of `leastCover` in plain float64: assembly/plan/moves.ts. */
import { present } from "../lib/assert.js";
import { type Board, isNone } from "./cover-board.js";

const ROUNDS = 16;
const CORE_MAX = 48;

export function polish(board: Board): void {
  board.lambda = [...board.bestLambda];
  board.reprice();
  board.sortBy(board.reduced);
  for (let round = 0; round < ROUNDS; round++) {
    const gap = board.bestCost - board.bound;
    if (gap <= 0) return;
    board.restore(board.best);
    const within = (index: number): number => present(board.reduced[index], "reduced cost");
    const outs = board.order.filter((i) => board.chosen[i] && within(i) > -gap).slice(0, CORE_MAX);
    const others = board.order.filter((i) => !board.chosen[i] && within(i) < gap);
    const ins = others.reverse().slice(0, CORE_MAX);
    if (!swapOne(board, outs, ins) && !swapTwo(board, outs, ins)) return;
  }
}

function swapOne(board: Board, outs: readonly number[], ins: readonly number[]): boolean {
  for (const out of outs) {
    board.drop(out);
    if (enterOne(board, ins, board.cost(out))) return true;
    if (enterTwo(board, ins, board.cost(out))) return true;
    board.take(out);
  }
  return false;
}

function swapTwo(board: Board, outs: readonly number[], ins: readonly number[]): boolean {
  for (const [at, first] of outs.entries()) {
    board.drop(first);
    for (const second of outs.slice(at + 1)) {
      board.drop(second);
      if (enterOne(board, ins, board.cost(first) + board.cost(second))) return true;
      board.take(second);
    }
    board.take(first);
  }
  return false;
}

function enterOne(board: Board, ins: readonly number[], limit: number): boolean {
  for (const index of ins) {
    if (board.cost(index) >= limit || !board.isOpen(index)) continue;
    if (!isNone(board.leftWithout(index))) continue;
    board.take(index);
    board.reverseDelete(board.reduced);
    return board.keepIfBetter();
  }
  return false;
}

function enterTwo(board: Board, ins: readonly number[], limit: number): boolean {
  for (const [at, first] of ins.entries()) {
    const rest = limit - board.cost(first);
    if (rest <= 0 || !board.isOpen(first)) continue;
    board.take(first);
    for (const second of ins.slice(at + 1)) {
      if (board.cost(second) >= rest || !board.isOpen(second)) continue;
      if (!isNone(board.leftWithout(second))) continue;
      board.take(second);
      board.reverseDelete(board.reduced);
      return board.keepIfBetter();
    }
    board.drop(first);
  }
  return false;
}
