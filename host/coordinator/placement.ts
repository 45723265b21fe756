/** Where each victim will restart, with its room reserved; the requester's room is taken before. */
import { NEED_COLUMNS, RESOURCE_COUNT } from "../core/abi.js";
import type { ShrinkRecord } from "../ledger/records.js";
import { availabilityIn, type Candidate } from "./candidates.js";
import type { DonorBounds } from "./donor-bounds.js";
import type { AskDonors, PlanningInputs } from "./inputs.js";
import { MINUTE_MS } from "./policy.js";
import { type LeaseShape, leaseSpans, peakOverPhases, type Rooms } from "./rooms.js";
import { dueMs, earliestOf } from "./stagger.js";

/** Nodes on which neighbours are asked to shrink for one restart. */
const SHRINK_NODES_MAX = 4;
/** Nodes of which it is looked up what neighbours could give at most. */
const BOUND_NODES_MAX = 16;
const NOTHING_GIVEN: readonly number[] = [];

export interface Placement {
  readonly candidate: Candidate;
  readonly nodeId: string;
  /** What is reserved, resource x phase. */
  readonly amounts: readonly number[];
  /** What of the need is not, resource x phase; zeros unless the request was forced. */
  readonly missing: readonly number[];
  readonly shrinks: readonly ShrinkRecord[];
  readonly availability: number;
  /** When it may start, where it has to wait its turn on the node. */
  readonly startMs?: number;
}

export interface PlacementTask {
  readonly inputs: PlanningInputs;
  readonly rooms: Rooms;
  readonly ask: AskDonors;
  /** What `ask` can answer at most. */
  readonly bounds: DonorBounds;
  /** Instances that cannot give: victims and those that already do. Grows with each shrink. */
  readonly spent: Set<string>;
  readonly force: boolean;
}

export interface Unplaced {
  readonly candidate: Candidate;
  /** What the best node lacks, resource x phase; zeros when only the chance was too low. */
  readonly missing: readonly number[];
  readonly availability: number;
}

/** Most protected first, then the largest; each takes its room before the next is looked at. */
export function placementOrder(victims: readonly Candidate[]): Candidate[] {
  const size = (candidate: Candidate) => candidate.need.reduce((sum, each) => sum + each, 0);
  return [...victims].sort(
    (a, b) =>
      b.priority - a.priority ||
      size(b) - size(a) ||
      (a.input.instanceId < b.input.instanceId ? -1 : 1),
  );
}

/**
 * Places one restart and takes its room, or leaves the rooms as they were. A node that may be lost
 * with more than the chance that a restart may miss is taken where there is no other.
 */
export function place(candidate: Candidate, task: PlacementTask): Placement | Unplaced {
  const { rooms, inputs } = task;
  const { availabilityMin } = inputs.policy;
  const chanceMax = rooms.lossChances === undefined ? 1 : 1 - availabilityMin;
  const own = candidate.input.nodeId;
  const chance = availabilityIn(candidate.input, inputs, rooms);
  const lease = leaseOf(candidate);
  const nodeId = rooms.best(lease, own, chanceMax);
  if (nodeId !== undefined && chance >= availabilityMin) {
    return take(candidate, task, { nodeId, shrinks: [], availability: chance });
  }
  const atOnce = placeAt(candidate, task, 0);
  if (atOnce !== undefined) return atOnce;
  const near = shrinkOrder(candidate, rooms, chanceMax);
  const able = near.filter((id) => lackBesideDonors(candidate, id, task) === 0);
  for (const donorNodeId of able.slice(0, SHRINK_NODES_MAX)) {
    const placement = placeByShrinking(candidate, donorNodeId, task);
    if (placement !== undefined) return placement;
  }
  const staggered = placeAt(candidate, task, inputs.policy.staggerMaxMinutes);
  if (staggered !== undefined) return staggered;
  const risky = chanceMax < 1 ? rooms.best(lease, own) : undefined;
  if (risky !== undefined && chance >= availabilityMin) {
    return take(candidate, task, { nodeId: risky, shrinks: [], availability: chance });
  }
  if (task.force) return placePartly(candidate, task, { near, chance });
  const nearest = leastMissingNode(candidate, rooms);
  const missing =
    nearest === undefined ? [...candidate.need] : rooms.missing(nearest, leaseOf(candidate));
  return { candidate, missing, availability: chance };
}

export function isPlaced(result: Placement | Unplaced): result is Placement {
  return "nodeId" in result;
}

function leaseOf({ need, spans }: Candidate): LeaseShape {
  return { amounts: need, spans };
}

/** What the donors of one lease give together, one value a resource. */
export function sumGiven(shrinks: readonly ShrinkRecord[]): number[] {
  const sum = new Array<number>(RESOURCE_COUNT).fill(0);
  for (const { given } of shrinks) {
    given.forEach((amount, resource) => {
      sum[resource] = (sum[resource] ?? 0) + amount;
    });
  }
  return sum;
}

function take(
  candidate: Candidate,
  task: PlacementTask,
  where: Pick<Placement, "nodeId" | "shrinks" | "availability">,
): Placement {
  const given = sumGiven(where.shrinks);
  const startMs = dueMs(candidate, task.inputs.nowMs);
  task.rooms.takeLease(where.nodeId, { ...leaseOf(candidate), given, startMs });
  const missing = new Array<number>(NEED_COLUMNS).fill(0);
  return { candidate, amounts: candidate.need, missing, ...where };
}

/** Where all of its need fits step by step, at most so many minutes after it is due. */
function placeAt(
  candidate: Candidate,
  task: PlacementTask,
  delayMinutes: number,
): Placement | undefined {
  const { inputs, rooms } = task;
  if (inputs.ahead === undefined) return undefined;
  const start = earliestOf(candidate, delayMinutes, task);
  if (start === undefined) return undefined;
  const { nodeId, startMs, availability } = start;
  if (startMs === dueMs(candidate, inputs.nowMs)) {
    return take(candidate, task, { nodeId, shrinks: [], availability });
  }
  const { graceMs } = inputs.policy;
  const spans = leaseSpans((startMs - inputs.nowMs) / MINUTE_MS, graceMs / MINUTE_MS);
  rooms.takeLease(nodeId, { amounts: candidate.need, spans, given: NOTHING_GIVEN, startMs });
  const missing = new Array<number>(NEED_COLUMNS).fill(0);
  return {
    candidate,
    nodeId,
    amounts: candidate.need,
    missing,
    shrinks: [],
    availability,
    startMs,
  };
}

function placeByShrinking(
  candidate: Candidate,
  nodeId: string,
  task: PlacementTask,
): Placement | undefined {
  const { rooms, inputs } = task;
  const shrinks = task.ask({
    nodeId,
    groupId: candidate.input.groupId,
    missing: peakOverPhases(rooms.missing(nodeId, leaseOf(candidate))),
    exclude: task.spent,
  });
  for (const shrink of shrinks) rooms.addFlat(nodeId, shrink.given, 1);
  const availability = availabilityIn(candidate.input, inputs, rooms);
  if (rooms.fits(nodeId, leaseOf(candidate)) && availability >= inputs.policy.availabilityMin) {
    for (const shrink of shrinks) task.spent.add(shrink.donorId);
    return take(candidate, task, { nodeId, shrinks, availability });
  }
  for (const shrink of shrinks) rooms.addFlat(nodeId, shrink.given, -1);
  return undefined;
}

/** Own node first, then those that lack least; those that may be lost behind all others. */
function shrinkOrder(candidate: Candidate, rooms: Rooms, chanceMax: number): string[] {
  const own = candidate.input.nodeId;
  const lease = leaseOf(candidate);
  const nodeIds = [...rooms.nodeIds].filter((nodeId) => !rooms.isOvercommitted(nodeId));
  const lacks = nodeIds.map((nodeId) => ({
    nodeId,
    lack: rooms.lackShare(nodeId, lease, NOTHING_GIVEN),
  }));
  lacks.sort((a, b) => a.lack - b.lack || (a.nodeId < b.nodeId ? -1 : 1));
  const others = lacks.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== own);
  const order = nodeIds.includes(own) ? [own, ...others] : others;
  const isRisky = (nodeId: string) => rooms.lossChanceOf(nodeId) > chanceMax;
  const safeFirst = [...order.filter((id) => !isRisky(id)), ...order.filter(isRisky)];
  return safeFirst.slice(0, BOUND_NODES_MAX);
}

/** Share of the need that the node lacks when all of its neighbours gave all they can. */
function lackBesideDonors(candidate: Candidate, nodeId: string, task: PlacementTask): number {
  const given = task.bounds.atMost(nodeId, task.spent);
  return task.rooms.lackShare(nodeId, leaseOf(candidate), given);
}

function leastMissingNode(candidate: Candidate, rooms: Rooms): string | undefined {
  const lease = leaseOf(candidate);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const nodeId of rooms.nodeIds) {
    const lack = rooms.lackShare(nodeId, lease, NOTHING_GIVEN);
    const isOwn = nodeId === candidate.input.nodeId;
    if (lack < least || (lack === least && (isOwn || (best !== undefined && nodeId < best)))) {
      best = nodeId;
      least = lack;
    }
  }
  return best;
}

/**
 * Under force: what there is on the node that lacks least once its neighbours have given what they
 * can; the rest is the shortfall.
 */
function placePartly(
  candidate: Candidate,
  task: PlacementTask,
  so: { readonly near: readonly string[]; readonly chance: number },
): Placement {
  const { rooms } = task;
  const own = candidate.input.nodeId;
  const lacks = so.near.map((nodeId) => ({
    nodeId,
    lack: lackBesideDonors(candidate, nodeId, task),
  }));
  // The order of `near` settles ties: its own node comes first.
  const least = lacks.reduce(
    (best, next) => (next.lack < best.lack ? next : best),
    lacks[0] ?? { nodeId: leastMissingNode(candidate, rooms) ?? own, lack: 0 },
  );
  const { nodeId } = least;
  const shrinks = rooms.isOvercommitted(nodeId) ? [] : partialShrinks(candidate, nodeId, task);
  for (const { donorId, given } of shrinks) {
    rooms.addFlat(nodeId, given, 1);
    task.spent.add(donorId);
  }
  const missing = rooms.missing(nodeId, leaseOf(candidate)).map((amount, column) =>
    // A node that is overcommitted lacks more than the need; nobody needs more than that.
    Math.min(amount, candidate.need[column] ?? 0),
  );
  const amounts = candidate.need.map((amount, column) => amount - (missing[column] ?? 0));
  const startMs = dueMs(candidate, task.inputs.nowMs);
  const given = sumGiven(shrinks);
  rooms.takeLease(nodeId, { amounts, spans: candidate.spans, given, startMs });
  return { candidate, nodeId, amounts, missing, shrinks, availability: so.chance };
}

function partialShrinks(
  candidate: Candidate,
  nodeId: string,
  task: PlacementTask,
): readonly ShrinkRecord[] {
  return task.ask({
    nodeId,
    groupId: candidate.input.groupId,
    missing: peakOverPhases(task.rooms.missing(nodeId, leaseOf(candidate))),
    exclude: task.spent,
    partial: true,
  });
}
