/** What the engine is told to do for a plan that is committed. */
import type { ResourceAllocator } from "../allocator/types.js";
import type { Act } from "../engines/engine.js";
import { donorOfAct, nextActIds, victimOfAct } from "./plan-acts.js";
import type { OpenPlan } from "./state.js";

function timesOf({ record }: OpenPlan, instanceId: string) {
  const own = record.schedule?.find((each) => each.instanceId === instanceId);
  if (own === undefined) return {};
  const { checkpointByMs, stopByMs } = own;
  return { stopByMs, ...(checkpointByMs === undefined ? {} : { checkpointByMs }) };
}

function startOf({ record }: OpenPlan, instanceId: string) {
  const own = record.starts?.find((each) => each.instanceId === instanceId);
  return own === undefined ? {} : { startAtMs: own.startAtMs };
}

/** The plan's next acts; a donor's target is what it holds now, after all its shrinks. */
export function actsOfPlan(allocator: ResourceAllocator, plan: OpenPlan): Act[] {
  const { planId, fencingToken, victimAllocations, shrinks, deadlineMs } = plan.record;
  return nextActIds(plan).map((actId): Act => {
    const base = { actId, planId, fencingToken };
    const donorId = donorOfAct(actId);
    if (donorId !== undefined) {
      const shrink = shrinks.find((each) => each.donorId === donorId);
      const nodeId = shrink?.nodeId ?? "";
      const target = [...(allocator.allocationOf(donorId)?.amounts ?? shrink?.floor ?? [])];
      return { kind: "shrink", ...base, instanceId: donorId, nodeId, target };
    }
    const instanceId = victimOfAct(actId) ?? "";
    const nodeId =
      victimAllocations?.find((allocation) => allocation.instanceId === instanceId)?.nodeId ?? "";
    const deadline = deadlineMs === undefined ? {} : { deadlineMs };
    return {
      kind: "interrupt",
      ...base,
      instanceId,
      nodeId,
      ...deadline,
      ...timesOf(plan, instanceId),
      ...startOf(plan, instanceId),
    };
  });
}
