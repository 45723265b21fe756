/** Random cover problems: log-normal sizes, costs that follow them, uneven needs. */
import type { CoverQuestion } from "../../host/coordinator/cover-board.js";
import { Prng } from "../../host/lib/prng.js";

export interface CaseShape {
  readonly count: number;
  /** Resources asked for, 1 to 4. */
  readonly resources: number;
}

/** Sizes of sigma .8, noise of .6 a resource, 7 to 65 % of the total asked; one group a candidate. */
export function randomCase(shape: CaseShape, seed: number): CoverQuestion {
  const prng = new Prng(seed);
  const gauss = (): number => {
    const radius = Math.sqrt(-2 * Math.log(1 - prng.uniform()));
    return radius * Math.cos(2 * Math.PI * prng.uniform());
  };
  const grid = (amount: number): number => Math.ceil(amount * 1024) / 1024;
  const freed: number[][] = [];
  const costs: number[] = [];
  for (let i = 0; i < shape.count; i++) {
    const size = 0.8 * gauss();
    const row = [0, 1, 2, 3].map((d) =>
      d < shape.resources ? grid(Math.exp(size + 0.6 * gauss())) : 0,
    );
    freed.push(row);
    costs.push(Math.exp(0.7 * size + 0.6 * gauss()));
  }
  const needed = [0, 1, 2, 3].map((d) => {
    const total = freed.reduce((sum, row) => sum + (row[d] ?? 0), 0);
    return grid(total * (0.07 + 0.58 * prng.uniform()));
  });
  const groups = costs.map((_, index) => index);
  return { freed, costs, groups, needed, budgets: groups.map(() => 1) };
}

/** The same with candidates in few groups, so that budgets bind. */
export function groupedCase(shape: CaseShape, seed: number): CoverQuestion {
  const plain = randomCase(shape, seed);
  const groups = plain.groups.map((index) => Math.floor(index / 3));
  const groupCount = (groups.at(-1) ?? -1) + 1;
  const budgets = Array.from({ length: groupCount }, (_, group) => (group * 7 + seed) % 4);
  return { ...plain, groups, budgets };
}
