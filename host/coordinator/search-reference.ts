/** The branch and bound of `leastCover` in plain float64: assembly/plan/search.ts. */
import { present } from "../lib/assert.js";
import { type Board, isNone, sumOfFour } from "./cover-board.js";

const OPEN_MAX = 256;
const BRANCHES = 24_000;

interface Item {
  readonly index: number;
  readonly step: number;
  /** Sums over this one and all with a smaller step. */
  readonly give: readonly number[];
  readonly shed: readonly number[];
}

interface Tree {
  readonly items: readonly Item[];
  readonly root: number;
  readonly limit: number;
  most: number;
  branchesLeft: number;
}

const NOTHING = [0, 0, 0, 0];

export function search(board: Board): void {
  board.lambda = [...board.bestLambda];
  const root = board.relax();
  const { margin } = board;
  const keys = charged(board).map((each) => -Math.abs(each));
  board.sortBy(keys);
  for (const share of [0.25, 0.5, 1]) {
    const gap = board.bestCost - root;
    if (!(gap > 4 * margin)) return;
    const items = list(board, keys, share * gap);
    const next = board.order[items.length];
    const limit = Math.min(share * gap, next === undefined ? gap : -present(keys[next], "key"));
    const tree: Tree = { items, root, limit, most: limit, branchesLeft: share * BRANCHES };
    const isDone = branch(board, tree, items.length, 0);
    if (!isDone) return;
    const proven = Math.min(board.bestCost, root + limit) - 2 * margin;
    board.bound = Math.max(board.bound, proven);
  }
}

/** Reduced costs with a spent budget charged to the group's members. */
function charged(board: Board): number[] {
  const prices = board.question.budgets.map(() => 0);
  board.reduced.forEach((value, index) => {
    const group = present(board.question.groups[index], "group");
    if (!board.chosen[index]) prices[group] = Math.max(present(prices[group], "price"), -value);
  });
  return board.reduced.map((value, index) => {
    return value + present(prices[present(board.question.groups[index], "group")], "price");
  });
}

function list(board: Board, keys: readonly number[], limit: number): Item[] {
  const items: Item[] = [];
  let [give, shed] = [NOTHING, NOTHING];
  for (const index of board.order.slice(0, OPEN_MAX)) {
    const step = -present(keys[index], "key");
    if (!(step < limit)) break;
    const row = board.row(index);
    if (board.chosen[index]) shed = shed.map((sum, d) => sum + (row[d] ?? 0));
    else give = give.map((sum, d) => sum + (row[d] ?? 0));
    items.push({ index, step, give, shed });
  }
  return items;
}

/** False when the branches ran out; the board is then as it was before. */
function branch(board: Board, tree: Tree, from: number, spent: number): boolean {
  if (tree.branchesLeft-- <= 0) return false;
  if (!canReach(board, tree.items[from - 1], tree.most - spent)) return true;
  let position = from;
  const step = (): number => present(tree.items[position - 1], "item").step;
  while (position > 0 && !(spent + step() < tree.most)) position--;
  if (position === 0) {
    if (board.isCovered() && isAllowed(board, tree) && board.keepIfBetter()) {
      tree.most = Math.min(tree.limit, board.bestCost - tree.root);
    }
    return true;
  }
  if (!branch(board, tree, position - 1, spent)) return false;
  if (!(spent + step() < tree.most)) return true;
  const { index } = present(tree.items[position - 1], "item");
  flip(board, index);
  const isDone = branch(board, tree, position - 1, spent + step());
  flip(board, index);
  return isDone;
}

function flip(board: Board, index: number): void {
  if (board.chosen[index]) board.drop(index);
  else board.take(index);
}

function canReach(board: Board, last: Item | undefined, rest: number): boolean {
  const { give, shed } = last ?? { give: NOTHING, shed: NOTHING };
  if (!isNone(board.left.map((left, d) => left - (give[d] ?? 0)))) return false;
  const worth = board.left.map((left, d) => {
    const over = Math.max(0, -(left + (shed[d] ?? 0)));
    return over * ((board.lambda[d] ?? 0) * board.inverse(d));
  });
  return sumOfFour(worth) < rest;
}

/** No budget is exceeded by those that came in. */
function isAllowed(board: Board, { items }: Tree): boolean {
  return items.every(({ index }) => !board.chosen[index] || board.groupLeft(index) >= 0);
}
