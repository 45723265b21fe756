/** Cover problems of several classes, and whether a plan spares whom it could. */
import { type Candidate, GroupBudgets } from "../../host/coordinator/candidates.js";
import { type Cover, type CoverProblem, selectVictims } from "../../host/coordinator/cover.js";
import type { CoverQuestion } from "../../host/coordinator/cover-board.js";
import type { InstanceInput } from "../../host/coordinator/inputs.js";
import { leaseSpans } from "../../host/coordinator/rooms.js";
import { randomCase } from "./cases.js";

/** Classes 0 to 4 in no order; only what the cover looks at is real. */
export function candidatesOf(
  { freed, costs }: CoverQuestion,
  groupOf: (index: number) => string = (index) => `i-${index}`,
): Candidate[] {
  return freed.map((row, index) => {
    const id = `i-${String(index).padStart(3, "0")}`;
    const input: InstanceInput = {
      instanceId: id,
      ownerId: id,
      groupId: groupOf(index),
      nodeId: "n-1",
      freed: row,
      shrinkable: [0, 0, 0, 0],
      outageMinutes: 5,
      up: true,
      interruptible: true,
      priority: (index * 3) % 5,
      launchedMs: 0,
      interruptionsMs: [],
      envelope: null,
      keepCores: 0,
    };
    const cost = costs[index] ?? 0;
    return {
      input,
      priority: (index * 3) % 5,
      cost,
      lostCoreHours: cost,
      need: [],
      spans: leaseSpans(5, 1),
      availability: 1,
    };
  });
}

/** Groups of members in all classes, with budgets that bind. */
export function tiedProblem(seed: number): CoverProblem {
  const count = 5 + (seed % 16);
  const question = randomCase({ count, resources: 1 + (seed % 4) }, seed);
  const groups = 2 + (seed % 5);
  const candidates = candidatesOf(question, (index) => `group-${(index * 7) % groups}`);
  const budgets = new GroupBudgets(Math.ceil((count * (2 + (seed % 3))) / (6 * groups)));
  return { needed: question.needed, candidates, budgets };
}

/** Could some of these cover, within the budgets? Tried out. */
export function canCover(those: readonly Candidate[], problem: CoverProblem): boolean {
  const after = suffixSums(those);
  const visit = (at: number, left: readonly number[], budgets: GroupBudgets): boolean => {
    if (left.every((amount) => amount <= 0)) return true;
    if (left.some((amount, d) => amount > (after[at]?.[d] ?? 0))) return false;
    const next = those[at];
    if (next === undefined) return false;
    if (budgets.left(next.input.groupId) > 0) {
      const with1 = budgets.copy();
      with1.take(next.input.groupId);
      const rest = left.map((amount, d) => amount - (next.input.freed[d] ?? 0));
      if (visit(at + 1, rest, with1)) return true;
    }
    return visit(at + 1, left, budgets);
  };
  return visit(0, problem.needed, problem.budgets);
}

function suffixSums(those: readonly Candidate[]): number[][] {
  const sums: number[][] = [[0, 0, 0, 0]];
  for (const { input } of [...those].reverse()) {
    sums.unshift(input.freed.map((amount, d) => amount + (sums[0]?.[d] ?? 0)));
  }
  return sums;
}

/**
 * Victims for whom some plan exists that spares them and everybody of their class and above whom
 * the plan spares; found by trying all plans.
 */
export function inversionsOf(problem: CoverProblem, { victims }: Cover): readonly Candidate[] {
  return victims.filter((victim) => {
    const others = victims.filter((other) => other !== victim && other.priority >= victim.priority);
    const lower = problem.candidates.filter(({ priority }) => priority < victim.priority);
    return canCover([...others, ...lower], problem);
  });
}

export interface TiedResult {
  readonly cover: Cover;
  readonly coverable: boolean;
  readonly inversions: number;
}

export function tiedResult(seed: number): TiedResult {
  const problem = tiedProblem(seed);
  const cover = selectVictims(problem);
  const coverable = canCover(problem.candidates, problem);
  const inversions = cover.covered ? inversionsOf(problem, cover).length : 0;
  return { cover, coverable, inversions };
}
