/**
 * When leases end and give their room back. A busy pool has thousands of them and only a decision
 * that has to wait looks at them, at the first few: so they are asked for, and what was answered is
 * on record like all else that a decision looks at.
 */
import type { LeaseEndInput, PlanningInputs } from "./inputs.js";

export interface EndsQuestion {
  /** Nothing is looked at that is earlier than this. */
  readonly fromMs: number;
  /** So many moments after `fromMs`. */
  readonly timesMax: number;
}

export type AskEnds = (question: EndsQuestion) => readonly LeaseEndInput[];

/**
 * Those up to the `timesMax`-th moment after `fromMs`. What has ended by a `fromMs` that is still to
 * come is one end a node: when exactly makes no difference then.
 *
 * @param ends in the order of time, amounts in quanta, so that sums are exact
 */
export function firstEnds(
  ends: readonly LeaseEndInput[],
  nowMs: number,
  { fromMs, timesMax }: EndsQuestion,
): readonly LeaseEndInput[] {
  let times = 0;
  let last = fromMs;
  const until = ends.findIndex(({ timeMs }) => {
    if (timeMs > last) {
      last = timeMs;
      times += 1;
    }
    return times > timesMax;
  });
  const first = until < 0 ? ends : ends.slice(0, until);
  return fromMs > nowMs ? merged(first, fromMs) : first;
}

function merged(ends: readonly LeaseEndInput[], fromMs: number): LeaseEndInput[] {
  const byNode = new Map<string, number[]>();
  for (const { timeMs, nodeId, amounts } of ends) {
    if (timeMs > fromMs) break;
    const sum = byNode.get(nodeId);
    if (sum === undefined) byNode.set(nodeId, [...amounts]);
    else
      amounts.forEach((amount, column) => {
        sum[column] = (sum[column] ?? 0) + amount;
      });
  }
  const before = [...byNode].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...before.map(([nodeId, amounts]) => ({ timeMs: fromMs, nodeId, amounts })),
    ...ends.filter(({ timeMs }) => timeMs > fromMs),
  ];
}

export function leaseEndsOf(
  inputs: PlanningInputs,
  question: EndsQuestion,
): readonly LeaseEndInput[] {
  const { leaseEnds, ends, nowMs } = inputs;
  return leaseEnds === undefined ? (ends?.(question) ?? []) : firstEnds(leaseEnds, nowMs, question);
}

/** Asks and keeps the longest answer. */
export class EndsTape {
  readonly #ask: AskEnds;
  answer: readonly LeaseEndInput[] | undefined;

  constructor(ask: AskEnds) {
    this.#ask = ask;
  }

  readonly ask: AskEnds = (question) => {
    const answer = this.#ask(question);
    if (this.answer === undefined || answer.length > this.answer.length) this.answer = answer;
    return answer;
  };
}
