/** The working state of `leastCover` in plain float64: what assembly/plan/board.ts holds in the core. */
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

export class Board {
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
  /** What rounding may have added to the last relaxed optimum. */
  margin = 0;

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

  /** How many more of the candidate's group may be chosen. */
  groupLeft(index: number): number {
    const group = present(this.question.groups[index], "group");
    const taken = this.chosen.filter((is, i) => is && this.question.groups[i] === group).length;
    return present(this.question.budgets[group], "budget") - taken;
  }

  isOpen(index: number): boolean {
    return this.groupLeft(index) >= 1;
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

  takeInOrder(): void {
    const keys = this.question.costs.map((cost, index) => {
      const gain = this.gain(index);
      return gain > 0 ? -(gain / cost) : 1;
    });
    this.sortBy(keys);
    for (const index of this.order.toReversed()) {
      if (this.isCovered()) return;
      if (this.isOpen(index) && this.gain(index) > 0) this.take(index);
    }
  }

  sortBy(keys: readonly number[]): void {
    const key = (index: number): number => present(keys[index], "key");
    // The difference of two infinities is no order.
    this.order = keys
      .map((_, index) => index)
      .sort((a, b) => (key(a) === key(b) ? b - a : key(a) < key(b) ? 1 : -1));
  }

  reverseDelete(keys: readonly number[]): void {
    const byKey = (a: number, b: number): number => {
      const [x, y] = [present(keys[a], "key"), present(keys[b], "key")];
      return x === y ? b - a : y - x;
    };
    for (const index of this.order.slice().sort(byKey)) {
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

  /** Chooses the relaxed optimum; its value less what rounding may have added. */
  relax(): number {
    this.reprice();
    this.clear();
    const { reduced, question } = this;
    const value = (index: number): number => present(reduced[index], "reduced cost");
    question.budgets.forEach((budget, group) => {
      const members = reduced.flatMap((_, i) => (question.groups[i] === group ? [i] : []));
      const negative = members.filter((index) => value(index) < 0);
      if (members.length > budget) {
        negative.sort((a, b) => value(a) - value(b) || a - b).splice(Math.max(0, budget));
      }
      for (const index of negative) this.take(index);
    });
    const worth = this.lambda.reduce((sum, lambda) => sum + lambda, 0);
    let sum = worth;
    let size = worth;
    reduced.forEach((each, index) => {
      size += this.cost(index) + Math.abs(each);
      if (this.chosen[index]) sum += each;
    });
    this.margin = (this.count + 4) * size * 2 ** -50;
    return sum - this.margin;
  }
}

export function isNone(left: readonly number[]): boolean {
  return left.every((amount) => amount <= 0);
}

/** Lanes 0 and 2, 1 and 3, then both, as the core adds them. */
export function sumOfFour(values: readonly number[]): number {
  const [a = 0, b = 0, c = 0, d = 0] = values;
  return a + c + (b + d);
}
