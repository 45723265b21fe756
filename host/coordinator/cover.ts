/**
 * Victims that free enough, the least lost.
 *
 * Goals: never a higher class while lower ones suffice; within that, least cost in the highest
 * class touched, then in the next; nobody who is not needed. Non-goal: the proven optimum (density
 * greedy with reverse delete was measured 4 to 10 % above it on random cases).
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { Candidate, GroupBudgets } from "./candidates.js";

export interface CoverProblem {
  /** Still to be freed, one value a resource; nothing where it is 0 or less. */
  readonly needed: readonly number[];
  readonly candidates: readonly Candidate[];
  readonly budgets: GroupBudgets;
}

export interface Cover {
  readonly victims: readonly Candidate[];
  readonly covered: boolean;
  /** What the victims leave uncovered, one value a resource, zeros when covered. */
  readonly left: readonly number[];
  /** Gain over cost of each candidate at the moment of the first choice. */
  readonly scores: ReadonlyMap<string, { readonly gain: number; readonly score: number }>;
}

export function selectVictims(problem: CoverProblem): Cover {
  const scores = new Map(
    problem.candidates.map((candidate) => {
      const gain = gainOf(candidate, problem.needed, problem.needed);
      return [candidate.input.instanceId, { gain, score: gain / candidate.cost }] as const;
    }),
  );
  const classes = [...new Set(problem.candidates.map((candidate) => candidate.priority))];
  classes.sort((a, b) => a - b);
  const top = classes.find((priority) => {
    const upTo = problem.candidates.filter((candidate) => candidate.priority <= priority);
    return isCovered(remaining(problem.needed, mostGain(upTo, problem)));
  });
  const ceiling = top ?? classes.at(-1);
  const chosen: Candidate[] = [];
  // From the highest class that is needed downwards: each is asked only for what all lower ones
  // together cannot give, so its cost is least before theirs is looked at.
  for (const priority of classes
    .filter((each) => ceiling !== undefined && each <= ceiling)
    .reverse()) {
    const lower = problem.candidates.filter((candidate) => candidate.priority < priority);
    const own = problem.candidates.filter((candidate) => candidate.priority === priority);
    const rest = without(problem, chosen);
    const left = remaining(remaining(problem.needed, chosen), mostGain(lower, rest));
    chosen.push(...chooseInClass(own, left, rest));
  }
  const left = remaining(problem.needed, chosen);
  if (top !== undefined && !isCovered(left)) return greedyAcross(problem, top, scores);
  return { victims: chosen, covered: isCovered(left), left: left.map(positive), scores };
}

/** Where budgets tie classes together the pass above may fall short: lowest class first then. */
function greedyAcross(problem: CoverProblem, top: number, scores: Cover["scores"]): Cover {
  const eligible = problem.candidates.filter((candidate) => candidate.priority <= top);
  const chosen = reverseDelete(mostGain(eligible, problem), problem.needed);
  const left = remaining(problem.needed, chosen);
  return { victims: chosen, covered: isCovered(left), left: left.map(positive), scores };
}

/** Density greedy with reverse delete. */
function chooseInClass(
  candidates: readonly Candidate[],
  needed: readonly number[],
  problem: CoverProblem,
): readonly Candidate[] {
  const budgets = copyBudgets(problem.budgets, candidates);
  const open = new Set(candidates);
  const chosen: Candidate[] = [];
  let left = [...needed];
  while (!isCovered(left)) {
    let best: Candidate | undefined;
    let bestDensity = 0;
    for (const candidate of open) {
      if ((budgets.get(candidate.input.groupId) ?? 0) < 1) continue;
      const density = gainOf(candidate, left, needed) / candidate.cost;
      if (density > bestDensity || (density === bestDensity && isBefore(candidate, best))) {
        if (density === 0) continue;
        best = candidate;
        bestDensity = density;
      }
    }
    if (best === undefined) break;
    open.delete(best);
    chosen.push(best);
    const { groupId } = best.input;
    budgets.set(groupId, (budgets.get(groupId) ?? 0) - 1);
    left = remaining(left, [best]);
  }
  return reverseDelete(chosen, needed);
}

/** Spares the most protected, then the most expensive, wherever the rest still frees as much. */
function reverseDelete(
  chosen: readonly Candidate[],
  needed: readonly number[],
): readonly Candidate[] {
  const before = remaining(needed, chosen).map(positive);
  let kept = [...chosen];
  const order = [...chosen].sort(
    (a, b) => b.priority - a.priority || b.cost - a.cost || (isBefore(a, b) ? 1 : -1),
  );
  for (const candidate of order) {
    const others = kept.filter((each) => each !== candidate);
    const left = remaining(needed, others);
    if (left.every((amount, resource) => positive(amount) <= (before[resource] ?? 0))) {
      kept = others;
    }
  }
  return kept;
}

/** As many as the budgets allow, those that free most first; all when no budget binds. */
function mostGain(candidates: readonly Candidate[], problem: CoverProblem): readonly Candidate[] {
  const budgets = copyBudgets(problem.budgets, candidates);
  const gains = new Map(
    candidates.map((candidate) => [candidate, gainOf(candidate, problem.needed, problem.needed)]),
  );
  const order = [...candidates].sort(
    (a, b) => (gains.get(b) ?? 0) - (gains.get(a) ?? 0) || (isBefore(a, b) ? -1 : 1),
  );
  return order.filter((candidate) => {
    const left = budgets.get(candidate.input.groupId) ?? 0;
    if (left < 1 || gains.get(candidate) === 0) return false;
    budgets.set(candidate.input.groupId, left - 1);
    return true;
  });
}

function copyBudgets(budgets: GroupBudgets, candidates: readonly Candidate[]): Map<string, number> {
  return new Map(
    candidates.map(({ input }) => [input.groupId, budgets.left(input.groupId)] as const),
  );
}

function without(problem: CoverProblem, chosen: readonly Candidate[]): CoverProblem {
  const budgets = problem.budgets.copy();
  for (const { input } of chosen) budgets.take(input.groupId);
  return { ...problem, budgets };
}

/** Share of what is needed that the candidate frees, summed over the resources still short. */
function gainOf(candidate: Candidate, left: readonly number[], needed: readonly number[]): number {
  let gain = 0;
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const short = left[resource] ?? 0;
    if (short > 0) {
      gain += Math.min(candidate.input.freed[resource] ?? 0, short) / (needed[resource] ?? short);
    }
  }
  return gain;
}

function remaining(needed: readonly number[], chosen: readonly Candidate[]): number[] {
  return needed.map((amount, resource) =>
    chosen.reduce((left, { input }) => left - (input.freed[resource] ?? 0), amount),
  );
}

function isCovered(left: readonly number[]): boolean {
  return left.every((amount) => amount <= 0);
}

function positive(amount: number): number {
  return Math.max(0, amount);
}

function isBefore(a: Candidate, b: Candidate | undefined): boolean {
  return b === undefined || a.input.instanceId < b.input.instanceId;
}
