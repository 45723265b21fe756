/** Collects everything one decision may look at, in an order that depends on ids alone. */
import { FORCED_KEEP_QUANTILE } from "../allocator/policy.js";
import { needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { hasNoSample, withLastResort } from "../profiler/last-resort.js";
import type { BehaviourProfile } from "../profiler/profile.js";
import { pastDisplacements } from "./displacements.js";
import { mayGive } from "./donor-limit.js";
import type {
  AskBooks,
  DownInput,
  InstanceInput,
  LeaseEndInput,
  NodeInput,
  PlanInputs,
} from "./inputs.js";
import type { KnownInstance } from "./instances.js";
import { firstEnds } from "./lease-ends.js";
import { lossesOf } from "./losses.js";
import { isUsableEnvelope } from "./need.js";
import { sumGiven } from "./placement.js";
import { HOUR_MS } from "./policy.js";
import type { CoordinatorContext } from "./ports.js";
import type { CoordinatorState, PendingRequest } from "./state.js";
import { pastWaits } from "./waits.js";

const KEEP_QUANTILES = 4;
const MEMORY = 1;

export function gather(
  context: CoordinatorContext,
  state: CoordinatorState,
  pending: PendingRequest,
): PlanInputs {
  const { allocator, instances, policy, clock } = context;
  const { request, attempts, firstDeferral, tentative } = pending;
  const asked = request.kind === "interrupt" ? [request.instanceId] : request.nodeIds;
  const scope =
    request.kind === "interrupt" ? instancesNode(context, request.instanceId) : request.nodeIds;
  const nodeIds = nodesToLookAt(
    context,
    scope.filter((nodeId) => allocator.hasNode(nodeId)),
  );
  const inScope =
    request.kind === "interrupt"
      ? [instances.get(request.instanceId)].filter((each) => each !== undefined)
      : instances.onNodes(request.nodeIds);
  const isAsked = mayGive(context, request);
  const inputs = inScope
    .map((each) => instanceInput(context, each, { pending, isDown: isDown(state, each), isAsked }))
    .filter((each) => request.kind === "interrupt" || each.up);
  const groups = new Set(inputs.map(({ groupId }) => groupId));
  const groupLosses = lossesOf(context.ledger, [...groups].sort());
  return {
    nowMs: clock.nowMs(),
    attempts,
    ...(firstDeferral === undefined ? {} : { firstDeferral }),
    ...(tentative === undefined ? {} : { tentative }),
    pastWaits: pastWaits(context.ledger, request.kind),
    request,
    policy,
    nodes: nodeIds.map((nodeId) => nodeInput(context, nodeId)),
    instances: inputs,
    down: downInputs(state, groups),
    unknownNodeIds:
      request.kind === "interrupt" ? [] : asked.filter((nodeId) => !allocator.hasNode(nodeId)),
    ...(request.kind === "reclaim" && request.requesterId !== undefined
      ? { displacements: pastDisplacements(context.ledger) }
      : {}),
    ...(groupLosses.length === 0 ? {} : { groupLosses }),
    modelVersion: context.modelVersion(),
  };
}

/** What is left to decide on when the inputs of a request could not be gathered or weighed. */
export function failedInputs(
  { clock, policy }: CoordinatorContext,
  { request, attempts, tentative }: PendingRequest,
  cause: unknown,
): PlanInputs {
  const text = cause instanceof Error ? cause.message : String(cause);
  return {
    nowMs: clock.nowMs(),
    attempts,
    ...(tentative === undefined ? {} : { tentative }),
    request,
    policy,
    nodes: [],
    instances: [],
    down: [],
    unknownNodeIds: [],
    failure: { code: "INPUTS_FAILED", text },
    modelVersion: "unknown",
  };
}

function instancesNode({ instances }: CoordinatorContext, instanceId: string): string[] {
  const known = instances.get(instanceId);
  return known === undefined ? [] : [known.nodeId];
}

function isDown(state: CoordinatorState, known: KnownInstance): boolean {
  return state.down.has(known.registration.instanceId);
}

/** The scope and the roomiest others, sorted. */
function nodesToLookAt({ roomIndex }: CoordinatorContext, scope: readonly string[]): string[] {
  const inScope = new Set(scope);
  return [...inScope, ...roomIndex.roomiest(inScope)].sort();
}

function nodeInput({ roomIndex, hints, clock }: CoordinatorContext, nodeId: string): NodeInput {
  const input = roomIndex.nodeInput(nodeId);
  const lossChance = hints.chanceOf(nodeId, clock.nowMs());
  return lossChance > 0 ? { ...input, lossChance } : input;
}

function instanceInput(
  context: CoordinatorContext,
  known: KnownInstance,
  so: {
    readonly pending: PendingRequest;
    readonly isDown: boolean;
    readonly isAsked: (instanceId: string) => boolean;
  },
): InstanceInput {
  const { registration, ownerId, nodeId, life } = known;
  const { instanceId, groupId, interruptible, stopSeconds, checkpointSeconds } = registration;
  const freed = freedBy(context, known);
  const outageMinutes =
    so.pending.request.outageMinutes ??
    registration.typicalOutageMinutes ??
    context.policy.outageMinutes;
  const profile = context.profiles.has(instanceId)
    ? withLastResort(context.profiles.profile(instanceId, { outageMinutes }), freed)
    : undefined;
  const usable =
    profile !== undefined && profile.unknown === undefined && isUsableEnvelope(profile.envelope);
  return {
    instanceId,
    ownerId,
    groupId,
    nodeId,
    priority: priorityOf(context, instanceId),
    interruptible: interruptible && context.isPinned?.(instanceId) !== true,
    up: freed !== undefined && !so.isDown,
    freed: freed === undefined ? nothing() : lessGifts(context, known, freed),
    shrinkable: so.isAsked(instanceId) ? shrinkableOf(freed, profile) : nothing(),
    outageMinutes,
    envelope: usable ? [...profile.envelope] : null,
    keepCores: finiteOr(profile?.keepNeed[0], 0),
    launchedMs: life.launchedMs,
    interruptionsMs: life.interruptionsMs,
    ...(stopSeconds === undefined ? {} : { stopSeconds }),
    ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
    ...(life.checkpointMs === undefined ? {} : { checkpointMs: life.checkpointMs }),
  };
}

function priorityOf({ priorities }: CoordinatorContext, instanceId: string): number | null {
  const priority = priorities.priorityOf(instanceId) ?? null;
  if (priority === null || Number.isFinite(priority)) return priority;
  throw new RepriseError("ERR_STATE", `the provider's priority of ${instanceId}`, {
    field: "priority",
    got: priority,
    expected: "a finite number, or nothing",
  });
}

/** What it holds in every phase to come; undefined when it holds nothing, that is, is down. */
export function freedBy(
  { allocator }: CoordinatorContext,
  { registration, ownerId }: KnownInstance,
): readonly number[] | undefined {
  const { instanceId } = registration;
  const allocation = allocator.allocationOf(instanceId);
  if (allocation === undefined) return undefined;
  const lease = allocator.reservationOfOwner(ownerId);
  // A restart under way holds its lease; what it frees in every phase is the least of them.
  const isClaimed = lease?.state === "claimed" && lease.instanceId === instanceId;
  return isClaimed ? leastOverPhases(lease.amounts) : [...allocation.amounts];
}

/** Its donors take back at once what they gave for the restart that is under way. */
function lessGifts(
  { allocator }: CoordinatorContext,
  { ownerId }: KnownInstance,
  freed: readonly number[],
): number[] {
  const lease = allocator.reservationOfOwner(ownerId);
  const given = lease?.state === "claimed" ? sumGiven(lease.shrinks) : nothing();
  return freed.map((amount, resource) => Math.max(0, amount - (given[resource] ?? 0)));
}

function nothing(): number[] {
  return new Array<number>(RESOURCE_COUNT).fill(0);
}

function leastOverPhases(amounts: readonly number[]): number[] {
  const least: number[] = [];
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const first = needColumn(resource, 0);
    least.push(Math.min(...amounts.slice(first, first + PHASE_COUNT)));
  }
  return least;
}

function shrinkableOf(
  freed: readonly number[] | undefined,
  profile: BehaviourProfile | undefined,
): number[] {
  const held = freed ?? [];
  const shrinkable: number[] = [];
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    if (profile !== undefined && hasNoSample(profile)) {
      shrinkable.push(0);
      continue;
    }
    const quantile = resource === MEMORY ? FORCED_KEEP_QUANTILE.memory : 0;
    // The floors are the allocator's; the median keep-need is a bound on what it may grant.
    const keep = profile?.keepNeed[resource * KEEP_QUANTILES + quantile];
    shrinkable.push(Math.max(0, (held[resource] ?? 0) - finiteOr(keep, Number.MAX_VALUE)));
  }
  return shrinkable;
}

function finiteOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && Number.isFinite(value) ? value : otherwise;
}

/** What a decision over these inputs may ask the books for. */
export function booksFor(
  context: CoordinatorContext,
  { nodes, nowMs }: Pick<PlanInputs, "nodes" | "nowMs">,
): AskBooks {
  let all: readonly LeaseEndInput[] | undefined;
  return {
    ahead: (nodeId) => context.allocator.roomAhead(nodeId),
    ends: (question) => {
      all ??= leaseEnds(context, nodes);
      return firstEnds(all, nowMs, question);
    },
  };
}

/** Leases whose end gives room back: unclaimed ones whole, claimed ones their surge, if any. */
function leaseEnds(
  { allocator, instances }: CoordinatorContext,
  nodes: PlanInputs["nodes"],
): LeaseEndInput[] {
  const ends: LeaseEndInput[] = [];
  for (const lease of nodes.flatMap(({ nodeId }) => [...allocator.reservations(nodeId)])) {
    // A restart is expected to claim its lease, so the room of that one does not come back.
    if (lease.state === "held" && instances.get(lease.instanceId) === undefined) {
      ends.push({ timeMs: lease.expiresMs, nodeId: lease.nodeId, amounts: [...lease.amounts] });
    } else if (lease.state === "claimed" && lease.claimedMs !== undefined) {
      const amounts = surgeOf(lease);
      if (amounts.every((amount) => amount === 0)) continue;
      ends.push({ timeMs: lease.claimedMs + HOUR_MS, nodeId: lease.nodeId, amounts });
    }
  }
  return ends.sort((a, b) => a.timeMs - b.timeMs || (a.nodeId < b.nodeId ? -1 : 1));
}

/** What a claimed lease holds above its last phase, which becomes the allocation. */
function surgeOf({ amounts }: ReservationRecord): number[] {
  return amounts.map((amount, column) => {
    const last = amounts[needColumn(Math.floor(column / PHASE_COUNT), PHASE_COUNT - 1)] ?? 0;
    return Math.max(0, amount - last);
  });
}

function downInputs(state: CoordinatorState, groups: ReadonlySet<string>): DownInput[] {
  return state.down
    .ofGroups(groups)
    .map(({ groupId, expectedRestartMs }) => ({ groupId, expectedRestartMs }))
    .sort((a, b) => a.expectedRestartMs - b.expectedRestartMs || (a.groupId < b.groupId ? -1 : 1));
}
