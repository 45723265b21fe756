/** Who may be asked to shrink: what a request may not touch it may not squeeze either. */
import type { DonorSearch } from "../allocator/types.js";
import type { AskDonors } from "./inputs.js";
import type { CoordinatorContext } from "./ports.js";
import type { CoordinatorRequest } from "./types.js";

/**
 * A reclaim may ask whom it may interrupt by class, a named interruption nobody above the one that
 * is named. Whoever has no known class is left alone.
 */
export function mayGive(
  { priorities, instances }: CoordinatorContext,
  request: CoordinatorRequest,
): (instanceId: string) => boolean {
  const highest =
    request.kind === "reclaim" ? request.priorityMax : priorities.priorityOf(request.instanceId);
  return (instanceId) => {
    const priority = instances.get(instanceId) && priorities.priorityOf(instanceId);
    return priority !== undefined && highest !== undefined && priority <= highest;
  };
}

export function donorsFor(context: CoordinatorContext, request: CoordinatorRequest): AskDonors {
  const isAsked = mayGive(context, request);
  return (search: DonorSearch) => context.allocator.donors({ ...search, mayGive: isAsked });
}
