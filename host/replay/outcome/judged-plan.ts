import { fits } from "../capacity.js";
import type { SeenPlan } from "../rival-policy.js";
import type { Amounts } from "../scenario.js";
import type { OutcomeActors } from "./outcome-actors.js";
import type { JudgedPlan } from "./outcome-policy.js";

/** Looks up what each candidate would really lose, at the moment of the plan. */
export function judgePlan(plan: SeenPlan, actors: OutcomeActors): JudgedPlan {
  const victims = new Set(plan.victims);
  return {
    requestId: plan.requestId,
    needed: plan.needed,
    candidates: plan.candidates.flatMap(({ instanceId, freed }) => {
      const actor = actors.get(instanceId);
      if (actor === undefined) return [];
      const { priority } = actor.instance;
      const chosen = victims.has(instanceId);
      return [{ instanceId, priority, freed, cost: actor.atRiskCoreHours, chosen }];
    }),
  };
}

/** Share of what was freed that was not short, mean of CPU and memory where any was freed. */
export function overReclaim(plan: JudgedPlan): number {
  const freed = freedBy(plan, ({ chosen }) => chosen);
  const shares = [0, 1].flatMap((resource) => {
    const short = Math.max(0, plan.needed[resource] ?? 0);
    const all = freed[resource] ?? 0;
    return all > 0 ? [Math.max(0, all - short) / all] : [];
  });
  return shares.length === 0 ? 0 : shares.reduce((sum, each) => sum + each, 0) / shares.length;
}

/** Somebody was interrupted although those of lower classes alone would have freed enough. */
export function wasInverted(plan: JudgedPlan): boolean {
  const chosen = plan.candidates.filter((candidate) => candidate.chosen);
  const top = Math.max(...chosen.map(({ priority }) => priority));
  return fits(
    plan.needed,
    freedBy(plan, ({ priority }) => priority < top),
  );
}

export function covers(plan: JudgedPlan): boolean {
  return fits(
    plan.needed,
    freedBy(plan, ({ chosen }) => chosen),
  );
}

function freedBy(
  plan: JudgedPlan,
  counts: (candidate: JudgedPlan["candidates"][number]) => boolean,
): Amounts {
  const counted = plan.candidates.filter(counts);
  return plan.needed.map((_, resource) =>
    counted.reduce((sum, { freed }) => sum + (freed[resource] ?? 0), 0),
  );
}
