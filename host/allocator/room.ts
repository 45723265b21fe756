/** How much room a node has: exact, in float64, from the book. */
import { needColumn, PHASE_COUNT, RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import type { Book, NodeState } from "./book.js";
import { bandWindows, peakOver, peaksOver, type Steps, type Window } from "./timeline.js";

/** Peak of the leases within each band from now, resource x phase. */
export function reservedOf(book: Book, node: NodeState, nowMs: number): number[] {
  return peaksOver(book.stepsOf(node), bandWindows(nowMs));
}

/**
 * allocatable - allocated - reserved, resource x phase; negative on an overcommitted node. The same
 * array as long as nothing of it changes.
 */
export function headroomOf(book: Book, node: NodeState, nowMs: number): readonly number[] {
  const known = node.headroom;
  // Only leases make room depend on the clock.
  if (known !== undefined && (known.nowMs === nowMs || node.leaseIds.size === 0)) {
    return known.values;
  }
  const fresh = subtractFromIdle(node, reservedOf(book, node, nowMs));
  const isSame = known?.values.every((value, column) => value === fresh[column]) ?? false;
  const values = known !== undefined && isSame ? known.values : fresh;
  node.headroom = { nowMs, values };
  return values;
}

function subtractFromIdle(node: NodeState, peaks: readonly number[]): number[] {
  return peaks.map((peak, column) => {
    const r = Math.floor(column / PHASE_COUNT);
    return (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0) - peak;
  });
}

/** By how much the promises from now on exceed the node, one value a resource, zeros when kept. */
export function shortageOf(book: Book, node: NodeState, nowMs: number): number[] {
  const plain = shortageBeside(node, book.plainStepsOf(node), nowMs);
  return book.pooled && !isZero(plain) ? shortageBeside(node, book.stepsOf(node), nowMs) : plain;
}

/** The same with one more lease on the node. */
export function shortageWith(
  book: Book,
  node: NodeState,
  thought: ReservationRecord,
  nowMs: number,
): number[] {
  return shortageBeside(node, book.together(node.leaseIds, thought), nowMs);
}

function shortageBeside(node: NodeState, steps: Steps, nowMs: number): number[] {
  const peak = peakOver(steps, { fromMs: nowMs, toMs: Infinity });
  return peak.map((value, r) =>
    Math.max(0, (node.allocated[r] ?? 0) + value - (node.allocatable[r] ?? 0)),
  );
}

/** Room for a lease whose phases lie in these windows. */
export interface LeaseQuestion {
  readonly windows: readonly Window[];
  readonly nowMs: number;
  readonly instanceId: string;
  /** Part of the instance's own allocation that the lease may count on. */
  readonly freedForOwner?: readonly number[] | undefined;
}

/** What the node could promise to such a lease, resource x phase; may be negative. */
export function leaseRoom(book: Book, node: NodeState, question: LeaseQuestion): number[] {
  const { windows, nowMs, instanceId, freedForOwner } = question;
  const clipped = windows.map(({ fromMs, toMs }) => ({
    fromMs: Math.max(fromMs, nowMs),
    toMs: Math.max(toMs, nowMs),
  }));
  const room = subtractFromIdle(node, peaksOver(book.stepsOf(node), clipped));
  const base = book.baseOn(node.nodeId, instanceId);
  if (base === undefined || freedForOwner === undefined) return room;
  return room.map((value, column) => {
    const r = Math.floor(column / PHASE_COUNT);
    return value + Math.min(base[r] ?? 0, freedForOwner[r] ?? 0);
  });
}

/** What of `need` exceeds `room`, zeros where it fits. A negative room is lacking even for zero. */
export function missingOf(need: readonly number[], room: readonly number[]): number[] {
  return need.map((amount, column) => Math.max(0, amount - (room[column] ?? 0)));
}

export function isZero(values: readonly number[]): boolean {
  return values.every((value) => value === 0);
}

/** Highest of the three phases, one value a resource. */
export function phasePeaks(columns: readonly number[]): number[] {
  return RESOURCES.map((_, r) => {
    let peak = 0;
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      peak = Math.max(peak, columns[needColumn(r, phase)] ?? 0);
    }
    return peak;
  });
}

/** What all leases of a node but one hold together. */
export function stepsWithout(book: Book, node: NodeState, reservationId: string): Steps {
  return book.together([...node.leaseIds].filter((id) => id !== reservationId));
}

/**
 * Fails when the promises on the node exceed it by more than `before`.
 * @throws ERR_NO_ROOM naming the resources that lack
 */
export function requireRoom(
  book: Book,
  nodeId: string,
  nowMs: number,
  before?: readonly number[],
): void {
  const lacking = shortageOf(book, book.node(nodeId), nowMs);
  const parts: string[] = [];
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    const lack = lacking[r] ?? 0;
    if (lack > 0 && lack > (before?.[r] ?? 0)) parts.push(`${lack} ${RESOURCES[r]}`);
  }
  if (parts.length === 0) return;
  throw new RepriseError("ERR_NO_ROOM", `node ${nodeId} lacks ${parts.join(", ")}`, {
    field: "amounts",
    got: lacking,
    expected: "no more than the node has",
    nodeId,
  });
}
