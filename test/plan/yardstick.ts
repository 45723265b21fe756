/** The exact optimum by HiGHS, and the rules of others, for the planner's tests. */

import highsModule from "highs";
import type { CoverQuestion } from "../../host/coordinator/cover-board.js";
import { elapsedMs } from "../../host/lib/clock.js";

export interface Optimum {
  readonly cost: number;
  readonly ms: number;
}

export type Yardstick = (question: CoverQuestion) => Optimum;

/** The integer programme in CPLEX LP text, solved to a gap of 0. */
export async function openYardstick(): Promise<Yardstick> {
  // Its types are those of the CommonJS build; the module build exports the loader itself.
  const load = highsModule as unknown as typeof highsModule.default;
  const highs = await load();
  return (question) => {
    const text = programme(question);
    const started = elapsedMs();
    const found = highs.solve(text, { output_flag: false, mip_rel_gap: 0, mip_abs_gap: 0 });
    const ms = elapsedMs() - started;
    if (found.Status !== "Optimal") throw new Error(`HiGHS says ${found.Status}`);
    // Rounded columns, not HiGHS's own sum: it may be off by its tolerance.
    const cost = question.costs.reduce((sum, each, index) => {
      const column = found.Columns[`x${index}`];
      return (column?.Primal ?? 0) > 0.5 ? sum + each : sum;
    }, 0);
    return { cost, ms };
  };
}

function programme({ freed, costs, groups, needed, budgets }: CoverQuestion): string {
  const sum = (terms: readonly string[]): string => terms.join(" + ");
  const rows = needed.flatMap((amount, d) => {
    if (amount <= 0) return [];
    const terms = freed.map((row, i) => `${Math.min(row[d] ?? 0, amount)} x${i}`);
    return [`r${d}: ${sum(terms)} >= ${amount}`];
  });
  const limits = budgets.flatMap((budget, group) => {
    const terms = groups.flatMap((each, i) => (each === group ? [`x${i}`] : []));
    return terms.length <= budget ? [] : [`g${group}: ${sum(terms)} <= ${budget}`];
  });
  const names = costs.map((_, i) => `x${i}`);
  return [
    "Minimize",
    `cost: ${sum(costs.map((cost, i) => `${cost} x${i}`))}`,
    "Subject To",
    ...rows,
    ...limits,
    "Binary",
    names.join("\n"),
    "End",
    "",
  ].join("\n");
}

/** Best gain for its cost first, then the dearest is spared where it is not needed. */
export function plainGreedy(question: CoverQuestion): number {
  const chosen = new Set<number>();
  let left = leftBy(question, chosen);
  while (left.some((amount) => amount > 0)) {
    let best = -1;
    let density = 0;
    question.freed.forEach((row, index) => {
      if (chosen.has(index)) return;
      const gain = row.reduce(
        (sum, x, d) =>
          (left[d] ?? 0) > 0 ? sum + Math.min(x, left[d] ?? 0) / (question.needed[d] ?? 1) : sum,
        0,
      );
      const found = gain / (question.costs[index] ?? 0);
      if (found > density) [best, density] = [index, found];
    });
    chosen.add(best);
    left = leftBy(question, chosen);
  }
  return spare(question, chosen);
}

/** Cheapest first until it covers; nobody is spared afterwards. */
export function cheapestFirst(question: CoverQuestion): number {
  const chosen = new Set<number>();
  for (const index of byCost(question)) {
    if (leftBy(question, chosen).every((amount) => amount <= 0)) break;
    chosen.add(index);
  }
  return costOf(question, chosen);
}

/** kube-scheduler's reprieve with the cost as importance: all go, the dearest is put back first. */
export function reprieve(question: CoverQuestion): number {
  return spare(question, new Set(question.costs.keys()));
}

function spare(question: CoverQuestion, chosen: Set<number>): number {
  for (const index of byCost(question).reverse()) {
    if (!chosen.delete(index)) continue;
    if (leftBy(question, chosen).some((amount) => amount > 0)) chosen.add(index);
  }
  return costOf(question, chosen);
}

function byCost({ costs }: CoverQuestion): number[] {
  return [...costs.keys()].sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0));
}

function leftBy({ freed, needed }: CoverQuestion, chosen: ReadonlySet<number>): number[] {
  return needed.map((amount, d) => {
    let left = amount;
    for (const index of chosen) left -= freed[index]?.[d] ?? 0;
    return left;
  });
}

function costOf({ costs }: CoverQuestion, chosen: ReadonlySet<number>): number {
  return [...chosen].reduce((sum, index) => sum + (costs[index] ?? 0), 0);
}
