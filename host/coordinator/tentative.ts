/**
 * Whom a deferred request would have interrupted, kept for its next try.
 *
 * Goals: small changes of cost between two tries change no victims; nobody in vain, nobody whom
 * lower classes could spare. Non-goal: keeping what no longer suffices or is no longer allowed.
 */
import type { ClassBound } from "../ledger/records.js";
import type { Candidate } from "./candidates.js";
import { type Cover, type CoverProblem, someCover } from "./cover.js";

/**
 * The victims remembered, without those who are not needed any more, as a cover of this problem.
 *
 * @param tentative their ids, of the last deferral
 * @param fresh what would be chosen without them; it covers
 * @param savingRatio share of the cost that `fresh` has to save to be preferred
 * @returns undefined where they are not to be kept: one of them may not go, they do not suffice,
 *   lower classes could spare one, or `fresh` saves more than that or is the same
 */
export function keptCover(
  tentative: readonly string[],
  fresh: Cover,
  so: { readonly problem: CoverProblem; readonly savingRatio: number },
): Cover | undefined {
  const { problem, savingRatio } = so;
  const ids = new Set(tentative);
  const remembered = problem.candidates.filter(({ input }) => ids.has(input.instanceId));
  if (ids.size === 0 || remembered.length < ids.size) return undefined;
  if (!suffices(remembered, problem)) return undefined;
  const victims = needed(remembered, problem);
  if (victims.length === 0 || !isAllowed(victims, problem)) return undefined;
  if (isWorthChanging(victims, fresh.victims, savingRatio)) return undefined;
  if (isSame(victims, fresh.victims)) return undefined;
  const left = remaining(problem.needed, victims);
  return {
    victims,
    covered: true,
    left: left.map(() => 0),
    spare: left.map((amount) => Math.max(0, -amount)),
    scores: fresh.scores,
    bounds: boundsOf(victims, fresh),
  };
}

/**
 * Whether other victims cost less by more than `savingRatio` in the highest class in which their
 * cost differs.
 */
export function isWorthChanging(
  kept: readonly Candidate[],
  other: readonly Candidate[],
  savingRatio: number,
): boolean {
  const [before, after] = [costByClass(kept), costByClass(other)];
  const classes = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => b - a);
  for (const priority of classes) {
    const [was, is] = [before.get(priority) ?? 0, after.get(priority) ?? 0];
    if (was !== is) return is < was * (1 - savingRatio);
  }
  return false;
}

/** In the order of their ids, so that equal victims have equal sums. */
function costByClass(victims: readonly Candidate[]): ReadonlyMap<number, number> {
  const order = [...victims].sort((a, b) => (a.input.instanceId < b.input.instanceId ? -1 : 1));
  const costs = new Map<number, number>();
  for (const { priority, cost } of order) costs.set(priority, (costs.get(priority) ?? 0) + cost);
  return costs;
}

/** Spares whoever the others make needless, the highest class and the dearest first. */
function needed(victims: readonly Candidate[], problem: CoverProblem): readonly Candidate[] {
  const order = [...victims].sort(
    (a, b) =>
      b.priority - a.priority ||
      b.cost - a.cost ||
      (a.input.instanceId < b.input.instanceId ? -1 : 1),
  );
  let kept: readonly Candidate[] = victims;
  for (const victim of order) {
    const others = kept.filter((each) => each !== victim);
    if (suffices(others, problem)) kept = others;
  }
  return kept;
}

/** Within the budgets, and nobody goes for whom lower classes could. */
function isAllowed(victims: readonly Candidate[], problem: CoverProblem): boolean {
  const budgets = problem.budgets.copy();
  for (const { input } of victims) {
    if (budgets.left(input.groupId) < 1) return false;
    budgets.take(input.groupId);
  }
  return victims.every((victim) => {
    const others = victims.filter((each) => each !== victim);
    const lower = problem.candidates.filter(
      (each) => each.priority < victim.priority && !victims.includes(each),
    );
    return someCover([...others, ...lower], problem) === undefined;
  });
}

/**
 * The bound of a class holds for what higher classes give: so down to the highest one in which the
 * choices differ. Below it nothing is known but that costs are not negative.
 */
function boundsOf(victims: readonly Candidate[], fresh: Cover): readonly ClassBound[] {
  let same = true;
  return fresh.bounds.map(({ priority, bound }) => {
    const own = victims.filter((each) => each.priority === priority);
    const others = fresh.victims.filter((each) => each.priority === priority);
    const cost = costByClass(own).get(priority) ?? 0;
    const known = { priority, cost, bound: same ? bound : 0 };
    same &&= isSame(own, others);
    return known;
  });
}

function isSame(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

function suffices(victims: readonly Candidate[], problem: CoverProblem): boolean {
  return remaining(problem.needed, victims).every((amount) => amount <= 0);
}

function remaining(amounts: readonly number[], victims: readonly Candidate[]): number[] {
  return amounts.map((amount, resource) =>
    victims.reduce((left, { input }) => left - (input.freed[resource] ?? 0), amount),
  );
}
