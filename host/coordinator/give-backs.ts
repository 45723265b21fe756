/** Acts that follow from the end of a lease: its donors get back what they gave. */
import type { ResourceAllocator } from "../allocator/types.js";
import type { Act, ActOutcome } from "../engines/engine.js";
import { canonicalJson } from "../ledger/encoding.js";
import type { LedgerChange } from "../ledger/ledger.js";
import type { ReservationRecord } from "../ledger/records.js";
import type { CoordinatorState } from "./state.js";

export const ACT_PREFIX = "act/";

type OpenPlans = CoordinatorState["plans"];

/** One act for each donor that is still there, with what it holds now. */
export function giveBackActs(
  allocator: ResourceAllocator,
  ended: readonly ReservationRecord[],
): Act[] {
  return ended.flatMap(({ reservationId, shrinks, planId, fencingToken }) =>
    shrinks.flatMap(({ donorId }) => {
      const allocation = allocator.allocationOf(donorId);
      if (allocation === undefined) return [];
      const act: Act = {
        kind: "give-back",
        actId: `${reservationId}/give-back/${donorId}`,
        planId: planId ?? "",
        fencingToken,
        instanceId: donorId,
        nodeId: allocation.nodeId,
        target: [...allocation.amounts],
      };
      return [act];
    }),
  );
}

/** Donors that use nearly all they were left with are told at once that they may use more. */
export function expansionActs(allocator: ResourceAllocator): Act[] {
  return allocator.expandDonors().flatMap(({ reservationId, fencingToken, planId, donorId }) => {
    const allocation = allocator.allocationOf(donorId);
    if (allocation === undefined) return [];
    const act: Act = {
      kind: "give-back",
      actId: `${reservationId}/expand/${fencingToken}/${donorId}`,
      planId: planId ?? "",
      fencingToken,
      instanceId: donorId,
      nodeId: allocation.nodeId,
      target: [...allocation.amounts],
    };
    return [act];
  });
}

/**
 * A refusal that need not be the last word, of what the books still say: the machine would stay shrunk,
 * or short, for ever, so it is told again on the next tick. The victim of an open plan may run on after
 * all, with what it held.
 */
export function isToRepeat(
  { allocator, plans }: { readonly allocator: ResourceAllocator; readonly plans: OpenPlans },
  acts: readonly Act[],
  outcome: ActOutcome,
): boolean {
  if (outcome.status !== "refused" || outcome.final === true) return false;
  const act = acts.find(({ actId }) => actId === outcome.actId);
  if (act?.kind === "give-back") {
    const held = allocator.allocationOf(act.instanceId);
    if (held === undefined) return isVictim(plans, act.instanceId);
    return held.nodeId === act.nodeId && held.amounts.every((each, r) => each === act.target[r]);
  }
  if (act?.kind !== "grant") return false;
  const [reservationId = ""] = act.actId.split("/");
  const lease = allocator.reservation(reservationId);
  return lease?.state === "claimed" && lease.fencingToken === act.fencingToken;
}

function isVictim(plans: OpenPlans, instanceId: string): boolean {
  return [...plans.values()].some(({ record }) => record.victims.includes(instanceId));
}

/** Written in the commit that causes the acts, so that a crash before they are sent loses none. */
export function outboxChanges(acts: readonly Act[]): LedgerChange[] {
  return acts.map((act) => ({
    table: "meta",
    key: `${ACT_PREFIX}${act.actId}`,
    put: canonicalJson(act),
  }));
}

export function outboxRemovals(actIds: readonly string[]): LedgerChange[] {
  return actIds.map((actId) => ({ table: "meta", key: `${ACT_PREFIX}${actId}`, remove: true }));
}
