/**
 * Victims that free enough, the least lost.
 *
 * Goals: never a higher class while lower ones suffice; within that, near the least cost in the
 * highest class touched, then in the next, each with a lower bound of what it has to cost; nobody
 * who is not needed. Non-goal: the proven optimum (docs/planning.md: how near it is).
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { ClassBound } from "../ledger/records.js";
import type { Candidate, GroupBudgets } from "./candidates.js";
import { leastCover } from "./cover-kernel.js";

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
  /** Highest class first; empty where no bound holds for the victims as a whole. */
  readonly bounds: readonly ClassBound[];
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
  const bounds: ClassBound[] = [];
  // From the highest class that is needed downwards: each is asked only for what all lower ones
  // together cannot give, so its cost is least before theirs is looked at.
  for (const priority of classes
    .filter((each) => ceiling !== undefined && each <= ceiling)
    .reverse()) {
    const lower = problem.candidates.filter((candidate) => candidate.priority < priority);
    const own = problem.candidates.filter((candidate) => candidate.priority === priority);
    const rest = without(problem, chosen);
    const left = remaining(remaining(problem.needed, chosen), mostGain(lower, rest));
    const { victims, cost, bound } = chooseInClass(own, left, rest.budgets);
    chosen.push(...victims);
    bounds.push({ priority, cost, bound });
  }
  const left = remaining(problem.needed, chosen);
  if (top !== undefined && !isCovered(left)) return greedyAcross(problem, top, scores);
  const covered = isCovered(left);
  return { victims: chosen, covered, left: left.map(positive), scores, bounds };
}

/** Where budgets tie classes together the pass above may fall short: lowest class first then. */
function greedyAcross(problem: CoverProblem, top: number, scores: Cover["scores"]): Cover {
  const eligible = problem.candidates.filter((candidate) => candidate.priority <= top);
  const chosen = reverseDelete(mostGain(eligible, problem), problem.needed);
  const left = remaining(problem.needed, chosen);
  const covered = isCovered(left);
  return { victims: chosen, covered, left: left.map(positive), scores, bounds: [] };
}

/** Near the least cost in one class; as much as can be reached where all of it is not enough. */
function chooseInClass(
  candidates: readonly Candidate[],
  needed: readonly number[],
  budgets: GroupBudgets,
): { readonly victims: readonly Candidate[]; readonly cost: number; readonly bound: number } {
  if (isCovered(needed)) return { victims: [], cost: 0, bound: 0 };
  const order = [...candidates].sort(
    (a, b) => compareText(a.input.groupId, b.input.groupId) || (isBefore(a, b) ? -1 : 1),
  );
  const groupIds = [...new Set(order.map(({ input }) => input.groupId))];
  const groupIndex = new Map(groupIds.map((groupId, index) => [groupId, index]));
  const answer = leastCover({
    freed: order.map(({ input }) => input.freed),
    costs: order.map(({ cost }) => cost),
    groups: order.map(({ input }) => groupIndex.get(input.groupId) ?? 0),
    needed,
    budgets: groupIds.map((groupId) => budgets.left(groupId)),
  });
  const victims = order.filter((_, index) => answer.chosen[index] === true);
  return { victims, cost: answer.cost, bound: answer.bound };
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

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function isBefore(a: Candidate, b: Candidate | undefined): boolean {
  return b === undefined || a.input.instanceId < b.input.instanceId;
}
