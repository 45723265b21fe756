/**
 * `leastCover` of the core in plain float64, operation by operation: same choice, same bits.
 *
 * Slow and short instead of fast: what a candidate's group still allows, what is left and who is
 * chosen live in plain arrays.
 */
import { present } from "../lib/assert.js";

export interface CoverQuestion {
  /** One row a candidate, one value a resource. */
  readonly freed: readonly (readonly number[])[];
  readonly costs: readonly number[];
  readonly groups: readonly number[];
  readonly needed: readonly number[];
  /** How many of each group may be chosen. */
  readonly budgets: readonly number[];
}

export interface CoverAnswer {
  readonly covered: boolean;
  readonly chosen: readonly boolean[];
  readonly cost: number;
  /** No choice that frees as much costs less. */
  readonly bound: number;
}

const STEPS = 60;
const STALLS_MAX = 6;
const ROUNDS = 16;
const CORE_MAX = 48;

export function leastCoverReference(question: CoverQuestion): CoverAnswer {
  const board = new Board(question);
  board.fill(question.costs);
  if (!board.isCovered()) {
    board.clear();
    board.fill(question.costs.map(() => 0));
  }
  if (!board.isCovered()) board.lower();
  board.sortBy(question.costs);
  board.reverseDelete();
  board.keepIfBetter();
  if (board.need.some((amount) => amount > 0)) {
    lagrange(board);
    polish(board);
  }
  const { best, bestCost, bound } = board;
  const covered = question.needed.every((amount, d) => {
    const sum = question.freed.reduce((all, row, i) => (best[i] ? all + (row[d] ?? 0) : all), 0);
    return sum >= amount;
  });
  return { covered, chosen: best, cost: bestCost, bound: Math.min(bestCost, bound) };
}

class Board {
  readonly question: CoverQuestion;
  need: number[];
  left: number[];
  rows: number[][];
  chosen: boolean[];
  best: boolean[] = [];
  bestCost = Number.POSITIVE_INFINITY;
  bound = 0;
  lambda: number[] = [];
  bestLambda: number[] = [];
  reduced: number[] = [];
  order: number[] = [];

  constructor(question: CoverQuestion) {
    this.question = question;
    this.need = question.needed.map((amount) => Math.max(amount, 0));
    this.left = [...this.need];
    this.rows = this.#fit();
    this.chosen = question.costs.map(() => false);
  }

  get count(): number {
    return this.question.costs.length;
  }

  row(index: number): readonly number[] {
    return present(this.rows[index], "row");
  }

  cost(index: number): number {
    return present(this.question.costs[index], "cost");
  }

  inverse(resource: number): number {
    const need = this.need[resource] ?? 0;
    return need > 0 ? 1 / need : 0;
  }

  #fit(): number[][] {
    return this.question.freed.map((row) => row.map((x, d) => Math.min(x, this.need[d] ?? 0)));
  }

  lower(): void {
    this.need = this.need.map((amount, d) => amount - Math.max(0, this.left[d] ?? 0));
    this.rows = this.#fit();
    this.restore(this.chosen);
  }

  isOpen(index: number): boolean {
    const group = present(this.question.groups[index], "group");
    const taken = this.chosen.filter((is, i) => is && this.question.groups[i] === group).length;
    return taken < present(this.question.budgets[group], "budget");
  }

  clear(): void {
    this.left = [...this.need];
    this.chosen = this.chosen.map(() => false);
  }

  take(index: number): void {
    this.left = this.leftWithout(index);
    this.chosen[index] = true;
  }

  drop(index: number): void {
    this.left = this.left.map((left, d) => left + (this.row(index)[d] ?? 0));
    this.chosen[index] = false;
  }

  /** What would be left if it were taken as well. */
  leftWithout(index: number): number[] {
    return this.left.map((left, d) => left - (this.row(index)[d] ?? 0));
  }

  isCovered(): boolean {
    return isNone(this.left);
  }

  keepIfBetter(): boolean {
    const cost = this.question.costs.reduce((sum, x, i) => (this.chosen[i] ? sum + x : sum), 0);
    if (!this.isCovered() || cost >= this.bestCost) return false;
    this.bestCost = cost;
    this.best = [...this.chosen];
    return true;
  }

  restore(chosen: readonly boolean[]): void {
    const wanted = [...chosen];
    this.clear();
    wanted.forEach((is, index) => {
      if (is) this.take(index);
    });
  }

  gain(index: number): number {
    const short = this.left.map((left) => Math.max(left, 0));
    const shares = this.row(index).map((x, d) => Math.min(x, short[d] ?? 0) * this.inverse(d));
    return sumOfFour(shares);
  }

  fill(prices: readonly number[]): void {
    while (!this.isCovered()) {
      let best = -1;
      let least = Number.POSITIVE_INFINITY;
      let most = 0;
      for (let i = 0; i < this.count; i++) {
        if (this.chosen[i] || !this.isOpen(i)) continue;
        const gain = this.gain(i);
        const ratio = Math.max(present(prices[i], "price"), 0) / gain;
        if (!(gain > 0) || ratio > least || (ratio === least && gain <= most)) continue;
        [least, most, best] = [ratio, gain, i];
      }
      if (best < 0) return;
      this.take(best);
    }
  }

  sortBy(keys: readonly number[]): void {
    const key = (index: number): number => present(keys[index], "key");
    this.order = keys.map((_, index) => index).sort((a, b) => key(b) - key(a) || b - a);
  }

  reverseDelete(): void {
    for (const index of this.order) {
      if (!this.chosen[index]) continue;
      const row = this.row(index);
      if (isNone(this.left.map((left, d) => left + (row[d] ?? 0)))) this.drop(index);
    }
  }

  reprice(): void {
    const mu = this.lambda.map((lambda, d) => lambda * this.inverse(d));
    this.reduced = this.rows.map((row, index) => {
      return this.cost(index) - sumOfFour(row.map((x, d) => (mu[d] ?? 0) * x));
    });
  }
}

function lagrange(board: Board): void {
  const asked = board.need.filter((amount) => amount > 0).length;
  const part = (0.5 * board.bestCost) / asked;
  board.lambda = board.need.map((amount) => (amount > 0 ? part : 0));
  board.bestLambda = [...board.lambda];
  let theta = 1.5;
  let stalls = 0;
  for (let step = 0; step < STEPS; step++) {
    const value = relax(board);
    if (value > board.bound) {
      board.bound = value;
      board.bestLambda = [...board.lambda];
      stalls = 0;
    } else if (++stalls === STALLS_MAX) {
      theta *= 0.6;
      stalls = 0;
    }
    const slopes = board.left.map((left, d) => left * board.inverse(d));
    const norm = slopes.reduce((sum, slope) => sum + slope * slope, 0);
    if (norm !== 0) {
      const size = (theta * (board.bestCost - value)) / norm;
      board.lambda = board.lambda.map((old, d) => Math.max(0, old + size * (slopes[d] ?? 0)));
    }
    board.fill(board.reduced);
    board.sortBy(board.reduced);
    board.reverseDelete();
    board.keepIfBetter();
    if (norm === 0 || board.bound >= board.bestCost) return;
  }
}

function relax(board: Board): number {
  board.reprice();
  board.clear();
  const { reduced, question } = board;
  const value = (index: number): number => present(reduced[index], "reduced cost");
  question.budgets.forEach((budget, group) => {
    const members = reduced.flatMap((_, i) => (question.groups[i] === group ? [i] : []));
    const negative = members.filter((index) => value(index) < 0);
    if (members.length > budget) {
      negative.sort((a, b) => value(a) - value(b) || a - b).splice(Math.max(0, budget));
    }
    for (const index of negative) board.take(index);
  });
  const worth = board.lambda.reduce((sum, lambda) => sum + lambda, 0);
  let sum = worth;
  let size = worth;
  reduced.forEach((each, index) => {
    size += board.cost(index) + Math.abs(each);
    if (board.chosen[index]) sum += each;
  });
  return sum - (board.count + 4) * size * 2 ** -50;
}

function polish(board: Board): void {
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
    board.reverseDelete();
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
      board.reverseDelete();
      return board.keepIfBetter();
    }
    board.drop(first);
  }
  return false;
}

function isNone(left: readonly number[]): boolean {
  return left.every((amount) => amount <= 0);
}

/** Lanes 0 and 2, 1 and 3, then both, as the core adds them. */
function sumOfFour(values: readonly number[]): number {
  const [a = 0, b = 0, c = 0, d = 0] = values;
  return a + c + (b + d);
}
