/** When a restart may start so that the start-up curves on its node stay under what it has. */
import { checkNeedAmounts, roundUp } from "./amounts.js";
import type { Book } from "./book.js";
import { requireNode, wholeMs } from "./checks.js";
import { isZero, missingOf, roomBeside, stepsWithout } from "./room.js";
import { leaseWindows, PHASE_START_MS, PHASES_MS } from "./timeline.js";

export interface PaceQuestion {
  /** Resource x phase from the restart. */
  readonly need: readonly number[];
  readonly nodeId: string;
  /** Its own lease, which does not stand in its way. */
  readonly reservationId?: string;
}

/**
 * The earliest start from `nowMs` on at which every phase of the need fits beside the leases of
 * the node and what is allocated; undefined when it fits at no time. A caller that staggers several
 * restarts reserves each at its start before it asks for the next.
 *
 * Room only grows where a lease's phase ends, so the only starts to try are now and those that put
 * a phase's beginning at such a moment.
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
  const from = wholeMs(nowMs, "nowMs");
  const starts = steps.times.flatMap((time) => PHASE_START_MS.map((offset) => time - offset));
  const later = starts.filter((start) => start > from && start < Infinity);
  for (const start of [from, ...[...new Set(later)].sort((a, b) => a - b)]) {
    const windows = leaseWindows({
      state: "claimed",
      claimedMs: start,
      expectedRestartMs: start,
      expiresMs: start + PHASES_MS,
    });
    if (isZero(missingOf(need, roomBeside(node, steps, windows)))) return start;
  }
  return undefined;
}
