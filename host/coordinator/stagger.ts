/**
 * Restart waves: several restarts that do not fit a node at once may fit it one after another.
 *
 * Bands are too coarse for that, since all that is later than 30 minutes is one of them. Here a
 * restart is held against the node's room step by step: its leases as they are in the books, and
 * what the plan itself has taken and freed so far.
 */
import { firstStart, type RoomAhead, roomWithin, windowsAt } from "../allocator/pacing.js";
import { amountsAt, leaseSteps, type Steps, sumSteps } from "../allocator/timeline.js";
import { needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { Candidate } from "./candidates.js";
import type { PlanningInputs } from "./inputs.js";
import { availability } from "./need.js";
import { HOUR_MS, MINUTE_MS } from "./policy.js";
import type { Rooms } from "./rooms.js";

/** Nodes on which a start is looked for: its own, then those that lack least. */
const NODES_MAX = 8;

export interface Start {
  readonly nodeId: string;
  readonly startMs: number;
  readonly availability: number;
}

/** When the restart is due if it need not wait. */
export function dueMs({ input }: Candidate, nowMs: number): number {
  return nowMs + Math.round(input.outageMinutes * MINUTE_MS);
}

/**
 * The earliest start on any of the nodes, no later than `delayMinutes` after it is due, at which
 * the whole need fits; undefined where there is none, or none that is likely enough to be there.
 */
export function earliestOf(
  candidate: Candidate,
  delayMinutes: number,
  so: { readonly inputs: PlanningInputs; readonly rooms: Rooms },
): Start | undefined {
  const { inputs, rooms } = so;
  const { graceMs, availabilityMin } = inputs.policy;
  const fromMs = dueMs(candidate, inputs.nowMs);
  let untilMs = fromMs + delayMinutes * MINUTE_MS;
  let best: Start | undefined;
  for (const nodeId of nodesFor(candidate, rooms)) {
    const node = lookAt(nodeId, so);
    if (node === undefined || !fitsForGood(candidate, node)) continue;
    const ahead = roomOn(node, graceMs);
    const startMs = firstStart(ahead, candidate.need, { fromMs, untilMs, graceMs });
    if (startMs === undefined) continue;
    const at = { ahead, startMs, lossChance: rooms.lossChanceOf(nodeId) };
    const chance = chanceOf(candidate, at, inputs);
    if (chance < availabilityMin) continue;
    best = { nodeId, startMs, availability: chance };
    if (startMs === fromMs) break;
    // Another node is worth it only if it can start sooner.
    untilMs = startMs - 1;
  }
  return best;
}

function nodesFor({ input, need, spans }: Candidate, rooms: Rooms): string[] {
  const lease = { amounts: need, spans };
  const lacks = [...rooms.nodeIds].map((nodeId) => ({
    nodeId,
    isOwn: nodeId === input.nodeId,
    lack: rooms.lackShare(nodeId, lease, []),
  }));
  lacks.sort(
    (a, b) =>
      Number(b.isOwn) - Number(a.isOwn) || a.lack - b.lack || (a.nodeId < b.nodeId ? -1 : 1),
  );
  return lacks.slice(0, NODES_MAX).map(({ nodeId }) => nodeId);
}

/** In its last phase a restart goes on for good: most nodes that have no place have none for that. */
function fitsForGood({ need }: Candidate, { books, flat, leases }: NodeLook): boolean {
  const last = (books.times.length - 1) * RESOURCE_COUNT;
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    const column = needColumn(r, PHASE_COUNT - 1);
    let room = (books.room[last + r] ?? 0) + (flat[r] ?? 0);
    for (const { amounts, given } of leases) room -= Math.max(amounts[column] ?? 0, given[r] ?? 0);
    if ((need[column] ?? 0) > room) return false;
  }
  return true;
}

function chanceOf(
  { input }: Candidate,
  at: { readonly ahead: RoomAhead; readonly startMs: number; readonly lossChance: number },
  { nowMs, policy }: PlanningInputs,
): number {
  if (input.envelope === null) return 0;
  const room = roomWithin(at.ahead, windowsAt(at.startMs, policy.graceMs));
  const hours = (at.startMs - nowMs) / HOUR_MS + 1;
  const chances = [at.lossChance];
  return availability(input.envelope, [room], {
    ratePerHour: policy.nodeLossPerHour,
    hours,
    chances,
  });
}

/** A node's room as the books have it, and what the plan has changed of it so far. */
interface NodeLook {
  readonly books: RoomAhead;
  /** What it has freed less what it has taken for good, one value a resource. */
  readonly flat: readonly number[];
  /** What it has taken in phases. */
  readonly leases: ReturnType<Rooms["takenOn"]>["leases"];
}

function lookAt(
  nodeId: string,
  { inputs, rooms }: { readonly inputs: PlanningInputs; readonly rooms: Rooms },
): NodeLook | undefined {
  const books = inputs.ahead?.(nodeId);
  if (books === undefined) return undefined;
  const { leases, bands } = rooms.takenOn(nodeId);
  const [firstBand] = windowsAt(inputs.nowMs, 0);
  const before = roomWithin(books, firstBand === undefined ? [] : [firstBand]);
  const flat = Array.from({ length: RESOURCE_COUNT }, (_, r) => {
    const column = needColumn(r, 0);
    return (rooms.of(nodeId)[column] ?? 0) + (bands[column] ?? 0) - (before[column] ?? 0);
  });
  return { books, flat, leases };
}

function roomOn({ books, flat, leases }: NodeLook, graceMs: number): RoomAhead {
  const taken = sumSteps(
    leases.map(({ startMs, amounts, given }) =>
      leaseSteps({
        state: "held",
        expectedRestartMs: startMs,
        expiresMs: startMs + graceMs,
        amounts,
        shrinks: [{ given }],
      }),
    ),
  );
  return changed(books, flat, taken);
}

function changed(books: RoomAhead, flat: readonly number[], taken: Steps): RoomAhead {
  const [nowMs = 0] = books.times;
  const later = taken.times.filter((time) => time > nowMs);
  const times = [...new Set([...books.times, ...later])].sort((a, b) => a - b);
  let at = 0;
  const room = times.flatMap((time) => {
    while ((books.times[at + 1] ?? Number.POSITIVE_INFINITY) <= time) at++;
    const held = amountsAt(taken, time);
    return flat.map((more, r) => {
      return (books.room[at * RESOURCE_COUNT + r] ?? 0) + more - (held[r] ?? 0);
    });
  });
  return { times, room };
}
