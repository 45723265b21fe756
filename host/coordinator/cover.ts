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
import { tryCovers } from "./try-covers.js";

/** With more candidates than this nobody is tried to be spared one by one. */
const SPARING_MAX = 64;

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
  /** What they free beyond the need, one value a resource. */
  readonly spare: readonly number[];
  /** Gain over cost of each candidate at the moment of the first choice. */
  readonly scores: ReadonlyMap<string, { readonly gain: number; readonly score: number }>;
  /** Highest class first; empty where no bound holds for the victims as a whole. */
  readonly bounds: readonly ClassBound[];
  /** Who is expected to be evicted for what is left; absent where that was not looked at. */
  readonly evicted?: readonly string[];
}

export function selectVictims(problem: CoverProblem): Cover {
  const scores = new Map(
    problem.candidates.map((candidate) => {
      const gain = gainOf(candidate, problem.needed, problem.needed);
      return [candidate.input.instanceId, { gain, score: gain / candidate.cost }] as const;
    }),
  );
  const ceiling = ceilingOf(problem);
  const classes = [...new Set(problem.candidates.map((candidate) => candidate.priority))];
  classes.sort((a, b) => b - a);
  const chosen: Candidate[] = [];
  const bounds: ClassBound[] = [];
  let lower = ceiling.lower;
  // From the highest class that is needed downwards: each is asked only for what all lower ones
  // together cannot give, so its cost is least before theirs is looked at.
  for (const priority of classes.filter((each) => each <= ceiling.priority)) {
    const stage = chooseInClass(priority, without(problem, chosen), lower);
    chosen.push(...stage.victims);
    bounds.push({ priority, cost: stage.cost, bound: stage.bound });
    lower = stage.lower;
  }
  const left = remaining(problem.needed, chosen);
  return {
    victims: chosen,
    covered: isCovered(left),
    left: left.map(positive),
    spare: left.map((amount) => positive(-amount)),
    scores,
    bounds,
  };
}

/** What a stage would take of the classes below its own; a later one may do better. */
interface Lower {
  readonly taken: readonly Candidate[];
  /** With the victims so far it covers. */
  readonly covers: boolean;
}

interface Stage {
  readonly victims: readonly Candidate[];
  readonly cost: number;
  readonly bound: number;
  readonly lower: Lower;
}

/** The lowest class that, with all below it, can cover; the highest one where none can. */
function ceilingOf(problem: CoverProblem): { readonly priority: number; readonly lower: Lower } {
  const classes = [...new Set(problem.candidates.map((candidate) => candidate.priority))];
  classes.sort((a, b) => a - b);
  for (const priority of classes) {
    const upTo = problem.candidates.filter((candidate) => candidate.priority <= priority);
    const taken = someCover(upTo, problem);
    if (taken !== undefined) return { priority, lower: { taken, covers: true } };
  }
  const priority = classes.at(-1) ?? Number.NEGATIVE_INFINITY;
  return { priority, lower: { taken: [], covers: false } };
}

/** Some of these that cover within the budgets, at whatever cost. */
export function someCover(
  candidates: readonly Candidate[],
  problem: CoverProblem,
): readonly Candidate[] | undefined {
  const { needed, budgets } = problem;
  if (!isCovered(remaining(needed, candidates))) return undefined;
  if (isWithin(candidates, budgets)) return candidates;
  const most = mostGain(candidates, problem);
  if (isCovered(remaining(needed, most))) return most;
  const answer = solve(candidates, { needed, budgets, cost: () => 0, stopgapPrice: 1 });
  if (answer.covered && answer.cost === 0) return answer.victims;
  // The bound may prove that there is none; else the last few are tried out.
  return answer.bound > 0 ? undefined : tryCovers(byGain(candidates, needed), needed, budgets);
}

/**
 * Near the least cost in one class, whose budgets may be shared with lower ones: these take part at
 * no cost, so that what is chosen here leaves them able to cover the rest.
 */
function chooseInClass(priority: number, rest: CoverProblem, before: Lower): Stage {
  const own = rest.candidates.filter((candidate) => candidate.priority === priority);
  const below = rest.candidates.filter((candidate) => candidate.priority < priority);
  const { budgets } = rest;
  if (isWithin([...own, ...below], budgets)) {
    const needed = remaining(rest.needed, below);
    const answer = solve(own, { needed, budgets, cost: ({ cost }) => cost });
    return { ...answer, lower: { taken: below, covers: answer.covered } };
  }
  const together = [...own, ...below];
  const cost = (candidate: Candidate) => (candidate.priority === priority ? candidate.cost : 0);
  const question = { needed: rest.needed, budgets, cost };
  let answer = solve(together, question);
  if (!answer.covered && before.covers) {
    // No cover was found at first go. At a price above all costs the search starts from one.
    const stopgapPrice = 1 + sumOfCosts(own);
    const priced = solve(together, { ...question, stopgapPrice });
    if (priced.cost < stopgapPrice) answer = priced;
  }
  const isOwn = (candidate: Candidate) => candidate.priority === priority;
  if (!answer.covered && before.covers) {
    // The stage before has found a cover all the same.
    const victims = before.taken.filter(isOwn);
    const taken = before.taken.filter((candidate) => !isOwn(candidate));
    const found = { victims, cost: sumOfCosts(victims), bound: 0 };
    return spareOwn({ ...found, lower: { taken, covers: true } }, below, rest);
  }
  const stage: Stage = {
    victims: answer.victims.filter(isOwn),
    cost: answer.cost,
    bound: answer.bound,
    lower: {
      taken: answer.victims.filter((candidate) => !isOwn(candidate)),
      covers: answer.covered,
    },
  };
  return answer.covered ? spareOwn(stage, below, rest) : stage;
}

/** Whoever the lower classes can stand in for after all, the dearest first. */
function spareOwn(stage: Stage, below: readonly Candidate[], rest: CoverProblem): Stage {
  let { victims, lower } = stage;
  if (victims.length + below.length > SPARING_MAX) return stage;
  const order = [...victims].sort((a, b) => b.cost - a.cost || (isBefore(a, b) ? 1 : -1));
  for (const victim of order) {
    const others = victims.filter((each) => each !== victim);
    const taken = someCover([...others, ...below], rest);
    if (taken === undefined) continue;
    victims = taken.filter((each) => others.includes(each));
    lower = { taken: taken.filter((each) => !others.includes(each)), covers: true };
  }
  return { ...stage, victims, cost: sumOfCosts(victims), lower };
}

interface Answer {
  readonly victims: readonly Candidate[];
  readonly covered: boolean;
  readonly cost: number;
  readonly bound: number;
}

/** Asks the core. At `stopgapPrice` each need may be made good without a victim. */
function solve(
  candidates: readonly Candidate[],
  so: {
    readonly needed: readonly number[];
    readonly budgets: GroupBudgets;
    readonly cost: (candidate: Candidate) => number;
    readonly stopgapPrice?: number;
  },
): Answer {
  const { needed, budgets, cost, stopgapPrice } = so;
  if (isCovered(needed)) return { victims: [], covered: true, cost: 0, bound: 0 };
  const stopgaps = stopgapPrice === undefined ? [] : diagonal(needed.map(positive));
  const order = [...candidates].sort(
    (a, b) => compareText(a.input.groupId, b.input.groupId) || (isBefore(a, b) ? -1 : 1),
  );
  const groupIds = [...new Set(order.map(({ input }) => input.groupId))];
  const groupIndex = new Map(groupIds.map((groupId, index) => [groupId, index]));
  const answer = leastCover({
    freed: [...order.map(({ input }) => input.freed), ...stopgaps],
    costs: [...order.map(cost), ...stopgaps.map(() => stopgapPrice ?? 0)],
    groups: [
      ...order.map(({ input }) => groupIndex.get(input.groupId) ?? 0),
      ...stopgaps.map((_, index) => groupIds.length + index),
    ],
    needed,
    budgets: [...groupIds.map((groupId) => budgets.left(groupId)), ...stopgaps.map(() => 1)],
  });
  const victims = order.filter((_, index) => answer.chosen[index] === true);
  return { victims, covered: answer.covered, cost: answer.cost, bound: answer.bound };
}

function diagonal(amounts: readonly number[]): readonly (readonly number[])[] {
  return amounts.map((amount, row) => amounts.map((_, column) => (column === row ? amount : 0)));
}

/** No budget keeps any of them back. */
function isWithin(candidates: readonly Candidate[], budgets: GroupBudgets): boolean {
  const sizes = new Map<string, number>();
  for (const { input } of candidates) {
    sizes.set(input.groupId, (sizes.get(input.groupId) ?? 0) + 1);
  }
  return [...sizes].every(([groupId, size]) => size <= budgets.left(groupId));
}

function sumOfCosts(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { cost }) => sum + cost, 0);
}

/** As many as the budgets allow, those that free most first; all when no budget binds. */
function mostGain(candidates: readonly Candidate[], problem: CoverProblem): readonly Candidate[] {
  const budgets = copyBudgets(problem.budgets, candidates);
  return byGain(candidates, problem.needed).filter((candidate) => {
    const left = budgets.get(candidate.input.groupId) ?? 0;
    if (left < 1) return false;
    budgets.set(candidate.input.groupId, left - 1);
    return true;
  });
}

/** Those that free some of what is needed, the most of it first. */
function byGain(candidates: readonly Candidate[], needed: readonly number[]): Candidate[] {
  const gains = new Map(
    candidates.map((candidate) => [candidate, gainOf(candidate, needed, needed)] as const),
  );
  return candidates
    .filter((candidate) => gains.get(candidate) !== 0)
    .sort((a, b) => (gains.get(b) ?? 0) - (gains.get(a) ?? 0) || (isBefore(a, b) ? -1 : 1));
}

function copyBudgets(budgets: GroupBudgets, candidates: readonly Candidate[]): Map<string, number> {
  return new Map(
    candidates.map(({ input }) => [input.groupId, budgets.left(input.groupId)] as const),
  );
}

/** What is left to be covered, and of the budgets, once those are chosen. */
function without(problem: CoverProblem, chosen: readonly Candidate[]): CoverProblem {
  const budgets = problem.budgets.copy();
  for (const { input } of chosen) budgets.take(input.groupId);
  return { ...problem, needed: remaining(problem.needed, chosen), budgets };
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
