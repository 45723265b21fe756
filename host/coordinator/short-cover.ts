/**
 * Victims under force, where what is needed cannot be freed whole: none of them in vain.
 *
 * What stays short when capacity goes is taken by eviction, and the platform is expected to take
 * the lowest class first. So a set of victims is judged with the evictions that it leaves: together
 * they lose the least, in the highest class first. Whoever spares nobody is left alone, and who
 * would be evicted in any case is interrupted in order instead, with its restart reserved.
 */
import type { Candidate, GroupBudgets } from "./candidates.js";
import type { Cover, CoverProblem } from "./cover.js";

/** Core-hours; sums in different orders differ by less. */
const TOLERANCE = 1e-9;

/** Whoever holds room where it goes, may it be interrupted by us or not. */
export interface Evictable {
  readonly instanceId: string;
  /** Positive infinity when it is not known. */
  readonly priority: number;
  /** One value a resource. */
  readonly freed: readonly number[];
  /** Core-hours: an eviction has no reservation. */
  readonly cost: number;
}

interface Choice {
  readonly victims: readonly Candidate[];
  readonly evicted: readonly Evictable[];
  /** Core-hours a class, of both. */
  readonly loss: ReadonlyMap<number, number>;
}

/** `cover` frees as much as can be. No certificate holds for what is returned. */
export function leastWithEvictions(
  cover: Cover,
  problem: CoverProblem,
  evictables: readonly Evictable[],
): Cover {
  const order = [...evictables].sort(
    (a, b) => a.priority - b.priority || (a.instanceId < b.instanceId ? -1 : 1),
  );
  const starts = [cover.victims, []].map((victims) =>
    descend(choiceOf(victims, problem, order), problem, order),
  );
  const best = starts.reduce((least, next) => (compare(next, least) < 0 ? next : least));
  const rest = remaining(problem.needed, best.victims);
  return {
    ...cover,
    victims: best.victims,
    left: rest.map((amount) => Math.max(0, amount)),
    spare: rest.map((amount) => Math.max(0, -amount)),
    bounds: [],
    evicted: best.evicted.map(({ instanceId }) => instanceId),
  };
}

/** Moves one candidate at a time to the other side, as long as that lessens the loss. */
function descend(start: Choice, problem: CoverProblem, order: readonly Evictable[]): Choice {
  const byId = new Map(problem.candidates.map((each) => [each.input.instanceId, each]));
  let best = start;
  for (let moved = true; moved; ) {
    moved = false;
    for (const { instanceId } of best.evicted) {
      const candidate = byId.get(instanceId);
      if (candidate === undefined || !isOpen(candidate, best.victims, problem.budgets)) continue;
      const next = choiceOf([...best.victims, candidate], problem, order);
      if (compare(next, best) >= 0) continue;
      [best, moved] = [next, true];
    }
    for (const victim of dearestFirst(best.victims)) {
      const others = best.victims.filter((each) => each !== victim);
      const next = choiceOf(others, problem, order);
      if (compare(next, best) >= 0) continue;
      [best, moved] = [next, true];
    }
  }
  return best;
}

function choiceOf(
  victims: readonly Candidate[],
  { needed }: CoverProblem,
  order: readonly Evictable[],
): Choice {
  const ids = new Set(victims.map(({ input }) => input.instanceId));
  const loss = new Map<number, number>();
  const add = (priority: number, cost: number) =>
    loss.set(priority, (loss.get(priority) ?? 0) + cost);
  for (const { priority, lostCoreHours } of victims) add(priority, lostCoreHours);
  let left = remaining(needed, victims);
  const evicted: Evictable[] = [];
  for (const each of order) {
    if (left.every((amount) => amount <= 0)) break;
    if (ids.has(each.instanceId)) continue;
    evicted.push(each);
    add(each.priority, each.cost);
    left = left.map((amount, resource) => amount - (each.freed[resource] ?? 0));
  }
  return { victims, evicted, loss };
}

/** Below 0 when `a` loses less; of two that lose the same, the one that stops fewer. */
function compare(a: Choice, b: Choice): number {
  const classes = [...new Set([...a.loss.keys(), ...b.loss.keys()])].sort((x, y) => y - x);
  for (const priority of classes) {
    const difference = (a.loss.get(priority) ?? 0) - (b.loss.get(priority) ?? 0);
    if (Math.abs(difference) > TOLERANCE) return difference;
  }
  return a.victims.length + a.evicted.length - b.victims.length - b.evicted.length;
}

function isOpen(
  { input }: Candidate,
  victims: readonly Candidate[],
  budgets: GroupBudgets,
): boolean {
  const taken = victims.filter((each) => each.input.groupId === input.groupId).length;
  return budgets.left(input.groupId) > taken;
}

function dearestFirst(victims: readonly Candidate[]): Candidate[] {
  return [...victims].sort(
    (a, b) =>
      b.priority - a.priority ||
      b.cost - a.cost ||
      (a.input.instanceId < b.input.instanceId ? -1 : 1),
  );
}

function remaining(needed: readonly number[], victims: readonly Candidate[]): number[] {
  return needed.map((amount, resource) =>
    victims.reduce((left, { input }) => left - (input.freed[resource] ?? 0), amount),
  );
}
