/** One line an instance, for lists of thousands: who it is, what it holds, what it would need. */
import { highestPhaseOf, namedAmounts } from "./named.js";
import type { ServiceRuntime } from "./runtime.js";

/** There is hardly any room at all. */
const CROWDING_MAX = 99;

export function fleetLines(runtime: ServiceRuntime, instanceIds: readonly string[]) {
  const { allocator } = runtime;
  const room = new Map<string, readonly number[]>();
  for (const nodeId of allocator.nodeIds()) {
    room.set(nodeId, highestPhaseOf(allocator.headroom(nodeId), Math.min));
  }
  return instanceIds.map((instanceId) => fleetLine(runtime, instanceId, room));
}

function fleetLine(
  runtime: ServiceRuntime,
  instanceId: string,
  room: ReadonlyMap<string, readonly number[]>,
) {
  const { profiler, allocator } = runtime;
  const { groupId, nodeId, priority } = profiler.registration(instanceId);
  const held = allocator.allocationOf(instanceId);
  const profile = profiler.profile(instanceId);
  const need = [
    profile.predictedCpuCores,
    profile.predictedMemoryGiB,
    profile.predictedNetworkMbps,
    profile.predictedDiskIops,
  ];
  const used = runtime.usageOf(instanceId);
  const home = held?.nodeId ?? nodeId;
  const headroom = room.get(home);
  return {
    instanceId,
    groupId,
    nodeId: home,
    priority,
    running: profiler.isRunning(instanceId),
    mode: runtime.modeOf(instanceId),
    rung: profile.rung,
    lastUpdatedMs: profile.lastUpdatedMs,
    need: namedAmounts(need),
    ...(held === undefined ? {} : { allocation: namedAmounts(held.amounts) }),
    ...(used === undefined ? {} : { used: namedAmounts(used) }),
    crowding: headroom === undefined ? null : crowdingOf(need, headroom, held?.amounts ?? []),
    outcomes: runtime.outcomes.of(instanceId).length,
  };
}

/**
 * Need after a restart over the room that its node would have for it, in the tightest resource:
 * above 1 it would not fit where it is.
 */
function crowdingOf(
  need: readonly number[],
  headroom: readonly number[],
  held: readonly number[],
): number {
  const shares = need.map((amount, resource) => {
    const free = (headroom[resource] ?? 0) + (held[resource] ?? 0);
    if (amount <= 0) return 0;
    return free <= 0 ? CROWDING_MAX : amount / free;
  });
  return Math.min(CROWDING_MAX, Math.max(...shares));
}
