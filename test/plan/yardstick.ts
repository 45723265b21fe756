/** The exact optimum by HiGHS, for the planner's tests. */

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
