/** What can never succeed is refused at once, with the reason, instead of being deferred for ever. */
import { RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import type { Reason, ReasonCode } from "../ledger/records.js";
import type { InstanceInput, LeaseEndInput, PlanningInputs } from "./inputs.js";
import { leaseEndsOf } from "./lease-ends.js";
import { Rooms } from "./rooms.js";
import type { ReclaimRequest } from "./types.js";

/** Empty when the request may succeed some day. */
export function neverReasons(inputs: PlanningInputs): Reason[] {
  const { request } = inputs;
  if (request.kind === "reclaim") return neverReclaimed(inputs, request);
  const [instance] = inputs.instances;
  if (instance === undefined) {
    return [{ code: "UNKNOWN_INSTANCE", text: `${request.instanceId} is not known` }];
  }
  if (!instance.up) {
    return [{ code: "ALREADY_DOWN", text: `${request.instanceId} is down already` }];
  }
  if (!instance.interruptible || instance.priority === null) {
    return [{ code: "NOT_INTERRUPTIBLE", text: `${request.instanceId} may not be interrupted` }];
  }
  return [];
}

function neverReclaimed(inputs: PlanningInputs, request: ReclaimRequest): Reason[] {
  if (inputs.unknownNodeIds.length > 0) {
    const text = `no such node: ${inputs.unknownNodeIds.join(", ")}`;
    return [{ code: "UNKNOWN_SCOPE", text }];
  }
  const parts =
    request.purpose === "requester"
      ? request.nodeIds.map((nodeId) => [nodeId])
      : [[...request.nodeIds]];
  const reasons = parts.map((nodeIds) => neverOn(nodeIds, inputs, request));
  if (reasons.some((each) => each.length === 0)) return [];
  return reasons[0] ?? [];
}

function neverOn(
  nodeIds: readonly string[],
  inputs: PlanningInputs,
  request: ReclaimRequest,
): Reason[] {
  const scope = new Set(nodeIds);
  const allocatable = sumOver(
    inputs.nodes.filter(({ nodeId }) => scope.has(nodeId)).map((node) => node.allocatable),
  );
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const wished = request.amounts[resource] ?? 0;
    const there = allocatable[resource] ?? 0;
    if (wished > there) {
      const text = `${wished} of ${RESOURCES[resource]} wished for, there is ${there} in all`;
      return [{ code: NO_ROOM[resource] ?? "NO_ROOM_CPU", text }];
    }
  }
  const here = inputs.instances.filter(({ nodeId }) => scope.has(nodeId));
  const spared = here.filter((each) => !mayGo(each, request));
  const isShort = (ends: readonly LeaseEndInput[]) => {
    const reachable = reachableRoom(inputs, { nodeIds, here, ends, request });
    return request.amounts.some((wished, resource) => wished > (reachable[resource] ?? 0));
  };
  const all = { fromMs: inputs.nowMs, timesMax: Number.POSITIVE_INFINITY };
  const short = isShort([]) && isShort(leaseEndsOf(inputs, all));
  // A forced loss of capacity takes what there is; the rest is its shortfall.
  if (!short || spared.length === 0) return [];
  if (request.force === true && request.purpose === "capacity-loss") return [];
  const above = spared.some(({ priority }) => priority !== null && priority > request.priorityMax);
  const code: ReasonCode = above ? "PRIORITY_TOO_HIGH" : "NOT_INTERRUPTIBLE";
  const text = `${spared[0]?.instanceId} and ${spared.length - 1} more are not to be touched`;
  return [{ code, text }];
}

function mayGo(instance: InstanceInput, request: ReclaimRequest): boolean {
  return (
    instance.interruptible && instance.priority !== null && instance.priority <= request.priorityMax
  );
}

/** Room of now, of everybody who may go, of all leases that end and of all that may shrink. */
function reachableRoom(
  inputs: PlanningInputs,
  so: {
    readonly nodeIds: readonly string[];
    readonly here: readonly InstanceInput[];
    readonly ends: readonly LeaseEndInput[];
    readonly request: ReclaimRequest;
  },
): number[] {
  const { nodeIds, here, ends, request } = so;
  const rooms = new Rooms(inputs.nodes);
  for (const { nodeId, amounts } of ends) rooms.addPhased(nodeId, amounts, 1);
  for (const each of here) {
    const goes = mayGo(each, request) || !each.up;
    rooms.addFlat(each.nodeId, goes ? each.freed : each.shrinkable, 1);
  }
  return sumOver(nodeIds.map((nodeId) => rooms.steady(nodeId)));
}

function sumOver(rows: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(RESOURCE_COUNT).fill(0);
  for (const row of rows) {
    row.forEach((amount, resource) => {
      sums[resource] = (sums[resource] ?? 0) + amount;
    });
  }
  return sums;
}

const NO_ROOM: readonly ReasonCode[] = [
  "NO_ROOM_CPU",
  "NO_ROOM_MEMORY",
  "NO_ROOM_NETWORK",
  "NO_ROOM_DISK",
];
