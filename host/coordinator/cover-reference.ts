/**
 * `leastCover` of the core in plain float64, operation by operation: same choice, same bits.
 *
 * Slow and short instead of fast: what a candidate's group still allows, what is left and who is
 * chosen live in plain arrays.
 */
import { climb } from "./climb-reference.js";
import { Board, type CoverAnswer, type CoverQuestion } from "./cover-board.js";
import { polish } from "./moves-reference.js";
import { search } from "./search-reference.js";

export function leastCoverReference(question: CoverQuestion): CoverAnswer {
  const board = new Board(question);
  board.takeInOrder();
  for (const prices of [question.costs, question.costs.map(() => 0)]) {
    if (board.isCovered()) break;
    board.clear();
    board.fill(prices);
  }
  if (!board.isCovered()) board.lower();
  board.reverseDelete(question.costs);
  board.keepIfBetter();
  if (board.need.some((amount) => amount > 0)) {
    climb(board);
    polish(board);
    search(board);
  }
  const { best, bestCost, bound } = board;
  const covered = question.needed.every((amount, d) => {
    const sum = question.freed.reduce((all, row, i) => (best[i] ? all + (row[d] ?? 0) : all), 0);
    return sum >= amount;
  });
  return { covered, chosen: best, cost: bestCost, bound: Math.min(bestCost, bound) };
}
