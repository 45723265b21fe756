/** The exact optimum by HiGHS: class by class from the top, each at the least cost of those above. */
import highsModule from "highs";
import { elapsedMs } from "../../host/lib/clock.js";
import type { CaseInstance, PlannerCase } from "./cases.js";

export interface Optimum {
  /** Of the victims of each class, highest class first, zeros included. */
  readonly costs: readonly number[];
  readonly ms: number;
}

export type Exact = (problem: PlannerCase) => Optimum;

interface Limit {
  readonly priority: number;
  readonly cost: number;
}

/** Rows of a programme are written a few terms a line: its reader has a limit on a line's length. */
const TERMS_A_LINE = 20;

export async function openExact(): Promise<Exact> {
  // Its types are those of the CommonJS build; the module build exports the loader itself.
  const load = highsModule as unknown as typeof highsModule.default;
  const highs = await load();
  return (problem) => {
    const classes = [...new Set(problem.instances.map(({ priority }) => priority))];
    classes.sort((a, b) => b - a);
    const limits: Limit[] = [];
    let ms = 0;
    for (const priority of classes) {
      const text = programme(problem, priority, limits);
      const started = elapsedMs();
      const found = highs.solve(text, { output_flag: false, mip_rel_gap: 0, mip_abs_gap: 0 });
      ms += elapsedMs() - started;
      if (found.Status !== "Optimal") throw new Error(`HiGHS says ${found.Status}`);
      // Rounded columns, not HiGHS's own sum: it may be off by its tolerance.
      const cost = problem.instances.reduce((sum, each, index) => {
        const isVictim = (found.Columns[`x${index}`]?.Primal ?? 0) > 0.5;
        return each.priority === priority && isVictim ? sum + each.cost : sum;
      }, 0);
      limits.push({ priority, cost });
    }
    return { costs: limits.map(({ cost }) => cost), ms };
  };
}

/** x: interrupted; w: share of what it could give by shrinking, which an interrupted one cannot. */
function programme(
  { instances, needed }: PlannerCase,
  priority: number,
  limits: readonly Limit[],
): string {
  const isDonor = ({ given }: CaseInstance): boolean => given.some((amount) => amount > 0);
  const costOf = (of: number): string =>
    sum(instances.flatMap((each, i) => (each.priority === of ? [`${each.cost} x${i}`] : [])));
  const rows = needed.flatMap((amount, d) => {
    if (amount <= 0) return [];
    const terms = instances.flatMap((each, i) => [
      `${each.freed[d] ?? 0} x${i}`,
      ...(isDonor(each) ? [`${each.given[d] ?? 0} w${i}`] : []),
    ]);
    return [`r${d}: ${sum(terms)} >= ${amount}`];
  });
  const either = instances.flatMap((each, i) =>
    isDonor(each) ? [`e${i}: x${i} + w${i} <= 1`] : [],
  );
  const settled = limits.map(
    ({ priority: above, cost }) => `s${above}: ${costOf(above)} <= ${cost * (1 + 1e-9) + 1e-9}`,
  );
  return [
    "Minimize",
    `cost: ${costOf(priority)}`,
    "Subject To",
    ...rows,
    ...either,
    ...settled,
    "Binary",
    instances.map((_, i) => `x${i}`).join("\n"),
    "End",
    "",
  ].join("\n");
}

function sum(terms: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < terms.length; at += TERMS_A_LINE) {
    lines.push(terms.slice(at, at + TERMS_A_LINE).join(" + "));
  }
  return lines.join("\n + ");
}
