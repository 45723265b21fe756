import type { ReclaimRequest } from "../coordinator/types.js";
import { addAmounts, fits } from "./capacity.js";
import type { ClusterBook, Holder } from "./cluster-book.js";
import { compare } from "./layout.js";
import type { Amounts } from "./scenario.js";

/** What a rule is asked: who makes way for a loss that has been announced. */
export interface VictimQuestion {
  readonly request: ReclaimRequest;
  /** All that the nodes owe, this loss and others that are announced. */
  readonly owed: Amounts;
  /** What is short of that, one value a resource; 0 or less where ample. */
  readonly needed: Amounts;
  /** Those that may go, in order of their names. */
  readonly holders: readonly Holder[];
  readonly book: ClusterBook;
  readonly nowMs: number;
  readonly seed: number;
}

export type VictimRule = (question: VictimQuestion) => readonly Holder[];

/** Takes one after the other until enough is free; nobody is spared afterwards. */
export function takeUntilCovered(needed: Amounts, order: readonly Holder[]): Holder[] {
  const victims: Holder[] = [];
  let freed: Amounts = needed.map(() => 0);
  for (const holder of order) {
    if (fits(needed, freed)) break;
    victims.push(holder);
    freed = addAmounts(freed, holder.held);
  }
  return victims;
}

/** Lowest priority first, then by name. */
export const lowestPriorityFirst: VictimRule = ({ needed, holders }) =>
  takeUntilCovered(
    needed,
    [...holders].sort(
      (a, b) =>
        a.instance.priority - b.instance.priority ||
        compare(a.instance.instanceId, b.instance.instanceId),
    ),
  );
