import type { ExactCover } from "./exact-cover.js";
import { covers } from "./judged-plan.js";
import type { JudgedPlan } from "./outcome-policy.js";

/** Plans compared with the exact optimum over the same candidates. */
export interface PlanRegret {
  readonly plans: number;
  /** Work that they lost, and that the optimum would have lost, core-hours. */
  readonly cost: number;
  readonly least: number;
  /** Plans that touched a higher class, or lost more in it, than the optimum. */
  readonly worse: number;
}

/** Differences that HiGHS's tolerances allow. */
const TOLERANCE = 1e-3;

/** @param count plans to look at, evenly spaced among those that freed enough */
export function planRegret(
  judged: readonly JudgedPlan[],
  cover: ExactCover | null,
  count: number,
): PlanRegret {
  const whole = judged.filter(covers);
  const step = Math.max(1, Math.floor(whole.length / Math.max(1, count)));
  const looked = whole.filter((_, index) => index % step === 0).slice(0, count);
  let regret: PlanRegret = { plans: 0, cost: 0, least: 0, worse: 0 };
  if (cover === null) return regret;
  for (const { candidates, needed } of looked) {
    const best = cover(candidates, needed);
    if (best === null) continue;
    const mine = costByClass(candidates, (index) => candidates[index]?.chosen === true);
    const least = costByClass(candidates, (index) => best[index] === true);
    regret = {
      plans: regret.plans + 1,
      cost: regret.cost + sum(mine),
      least: regret.least + sum(least),
      worse: regret.worse + (compareCosts(mine, least) > 0 ? 1 : 0),
    };
  }
  return regret;
}

/** Above 0 when `a` loses more in the highest class in which they differ. */
export function compareCosts(a: readonly number[], b: readonly number[]): number {
  for (let priority = Math.max(a.length, b.length) - 1; priority >= 0; priority--) {
    const difference = (a[priority] ?? 0) - (b[priority] ?? 0);
    if (Math.abs(difference) > TOLERANCE) return difference;
  }
  return 0;
}

/** Work lost by class; the number of victims is no part of it. */
export function costByClass(
  candidates: JudgedPlan["candidates"],
  isChosen: (index: number) => boolean,
): number[] {
  const costs: number[] = [];
  candidates.forEach(({ priority, cost }, index) => {
    if (isChosen(index)) costs[priority] = (costs[priority] ?? 0) + cost;
  });
  return Array.from(costs, (cost) => cost ?? 0);
}

function sum(costs: readonly number[]): number {
  return costs.reduce((total, cost) => total + cost, 0);
}
