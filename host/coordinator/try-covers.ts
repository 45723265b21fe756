/** The last resort where budgets make a cover hard to find: plans are tried one after the other. */
import type { Candidate, GroupBudgets } from "./candidates.js";

/** Choices looked at; enough to settle any question of about 20 candidates in a few ms. */
const CHOICES_MAX = 20_000;

interface Attempt {
  readonly order: readonly Candidate[];
  /** What those from a position on free together. */
  readonly after: readonly (readonly number[])[];
  readonly budgets: GroupBudgets;
  readonly chosen: Candidate[];
  choicesLeft: number;
}

/**
 * Some of the candidates, in their order, that free what is needed within the budgets.
 *
 * @returns undefined when there are none, or none among the first 20,000 choices
 */
export function tryCovers(
  candidates: readonly Candidate[],
  needed: readonly number[],
  budgets: GroupBudgets,
): readonly Candidate[] | undefined {
  const after: (readonly number[])[] = [needed.map(() => 0)];
  for (const { input } of [...candidates].reverse()) {
    const [last = []] = after;
    after.unshift(input.freed.map((amount, resource) => amount + (last[resource] ?? 0)));
  }
  const attempt: Attempt = {
    order: candidates,
    after,
    budgets: budgets.copy(),
    chosen: [],
    choicesLeft: CHOICES_MAX,
  };
  return visit(attempt, 0, needed) ? attempt.chosen : undefined;
}

function visit(attempt: Attempt, at: number, left: readonly number[]): boolean {
  if (left.every((amount) => amount <= 0)) return true;
  const sums = attempt.after[at] ?? [];
  const candidate = attempt.order[at];
  if (candidate === undefined || attempt.choicesLeft-- <= 0) return false;
  if (left.some((amount, resource) => amount > (sums[resource] ?? 0))) return false;
  const { groupId, freed } = candidate.input;
  if (attempt.budgets.left(groupId) > 0) {
    attempt.budgets.take(groupId);
    attempt.chosen.push(candidate);
    const rest = left.map((amount, resource) => amount - (freed[resource] ?? 0));
    if (visit(attempt, at + 1, rest)) return true;
    attempt.chosen.pop();
    attempt.budgets.giveBack(groupId);
  }
  return visit(attempt, at + 1, left);
}
