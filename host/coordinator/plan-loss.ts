/** What a plan loses, class by class, so that two plans for one request can be compared. */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { Placement } from "./placement.js";
import type { Proposal } from "./planner.js";
import { peakOverPhases } from "./rooms.js";

/** Hours that a restart's prediction speaks of, in which it goes short. */
const SHORT_HOURS = 1;

/**
 * Below 0 when `a` loses less: the highest class in which they differ decides. A restart that goes
 * short of a share of some resource works that much less for an hour, at most.
 */
export function compareLoss(a: Proposal, b: Proposal): number {
  const [left, right] = [lossByClass(a.placements), lossByClass(b.placements)];
  const classes = [...new Set([...left.keys(), ...right.keys()])].sort((x, y) => y - x);
  for (const priority of classes) {
    const difference = (left.get(priority) ?? 0) - (right.get(priority) ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Core-hours by class. */
function lossByClass(placements: readonly Placement[]): ReadonlyMap<number, number> {
  const losses = new Map<number, number>();
  for (const placement of placements) {
    const { candidate } = placement;
    const cores = candidate.input.freed[0] ?? 0;
    const loss = candidate.cost + cores * SHORT_HOURS * lackOf(placement);
    losses.set(candidate.priority, (losses.get(candidate.priority) ?? 0) + loss);
  }
  return losses;
}

/** Largest share that is missing of the peak need of any resource. */
function lackOf({ missing, candidate }: Placement): number {
  const lacks = peakOverPhases(missing);
  const needs = peakOverPhases(candidate.need);
  let largest = 0;
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const need = needs[resource] ?? 0;
    if (need > 0) largest = Math.max(largest, (lacks[resource] ?? 0) / need);
  }
  return largest;
}
