/** When a restart may start so that the start-up curves on its node stay under what it has. */
import { needColumn, RESOURCE_COUNT } from "../core/abi.js";
import { checkNeedAmounts, roundUp } from "./amounts.js";
import type { Book, NodeState } from "./book.js";
import { requireNode, wholeMs } from "./checks.js";
import { stepsWithout } from "./room.js";
import { leaseWindows, PHASE_START_MS, type Steps, stepAt, type Window } from "./timeline.js";

export interface PaceQuestion {
  /** Resource x phase from the restart. */
  readonly need: readonly number[];
  readonly nodeId: string;
  /** Its own lease, which does not stand in its way. */
  readonly reservationId?: string;
}

/** Room of a node that is neither allocated nor leased, as time goes on. */
export interface RoomAhead {
  /** Rising; the first is the time of the question. */
  readonly times: readonly number[];
  /** `room[4 * i + resource]` from `times[i]` until `times[i + 1]`, the last for good. */
  readonly room: readonly number[];
}

export interface StartRange {
  readonly fromMs: number;
  readonly untilMs: number;
  /** So much later than planned the restart may come; its room is there until then. */
  readonly graceMs: number;
}

/**
 * The earliest start from `nowMs` on at which every phase of the need fits beside the leases of
 * the node and what is allocated; undefined when it fits at no time. A caller that staggers several
 * restarts reserves each at its start before it asks for the next.
 */
export function earliestStart(
  book: Book,
  question: PaceQuestion,
  nowMs: number,
): number | undefined {
  checkNeedAmounts(question.need, "need");
  const need = question.need.map(roundUp);
  const node = requireNode(book, question.nodeId);
  const steps = stepsWithout(book, node, question.reservationId ?? "");
  const fromMs = wholeMs(nowMs, "nowMs");
  const range = { fromMs, untilMs: Number.POSITIVE_INFINITY, graceMs: 0 };
  return firstStart(roomFrom(node, steps, fromMs), need, range);
}

export function roomAhead(book: Book, nodeId: string, nowMs: number): RoomAhead {
  const node = requireNode(book, nodeId);
  return roomFrom(node, book.stepsOf(node), nowMs);
}

function roomFrom(node: NodeState, steps: Steps, nowMs: number): RoomAhead {
  const first = stepAt(steps, nowMs);
  const times = [nowMs, ...steps.times.slice(first + 1)];
  const room = times.flatMap((_, index) => {
    const at = (first + index) * RESOURCE_COUNT;
    return Array.from(steps.amounts.subarray(at, at + RESOURCE_COUNT), (held, r) => {
      return (node.allocatable[r] ?? 0) - (node.allocated[r] ?? 0) - held;
    });
  });
  return { times, room };
}

/**
 * The first start in the range at which each phase of the need fits; undefined when none does.
 *
 * Room only grows where a lease's phase ends, so the only starts to try are the first one and those
 * that put a phase's beginning at such a moment.
 */
export function firstStart(
  ahead: RoomAhead,
  need: readonly number[],
  { fromMs, untilMs, graceMs }: StartRange,
): number | undefined {
  const later = ahead.times
    .flatMap((time) => PHASE_START_MS.map((offset) => time - offset))
    .filter((start) => start > fromMs && start <= untilMs);
  const starts = [fromMs, ...[...new Set(later)].sort((a, b) => a - b)];
  return starts.find((start) => {
    const room = roomWithin(ahead, windowsAt(start, graceMs));
    return need.every((amount, column) => amount <= (room[column] ?? 0));
  });
}

/** When the phases of a lease may be under way that is expected to restart then. */
export function windowsAt(startMs: number, graceMs: number): readonly Window[] {
  const expiresMs = startMs + graceMs;
  return leaseWindows({ state: "held", expectedRestartMs: startMs, expiresMs });
}

/** The least room of each window, resource x phase. */
export function roomWithin(ahead: RoomAhead, windows: readonly Window[]): number[] {
  const { times, room } = ahead;
  const least = new Array<number>(windows.length * RESOURCE_COUNT).fill(Number.POSITIVE_INFINITY);
  windows.forEach(({ fromMs, toMs }, phase) => {
    times.forEach((time, index) => {
      const endMs = times[index + 1] ?? Number.POSITIVE_INFINITY;
      if (endMs <= fromMs || (time >= toMs && time > fromMs)) return;
      for (let r = 0; r < RESOURCE_COUNT; r++) {
        const column = needColumn(r, phase);
        const value = room[index * RESOURCE_COUNT + r] ?? 0;
        least[column] = Math.min(least[column] ?? value, value);
      }
    });
  });
  return least;
}
