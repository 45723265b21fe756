/**
 * When leases end and give their room back. A busy pool has thousands of them and only a decision
 * that has to wait looks at them, at the first few: so they are asked for, and what was answered is
 * on record like all else that a decision looks at.
 */
import type { LeaseEndInput, PlanningInputs } from "./inputs.js";

/** In the order of time: those up to the `timesMax`-th moment that is still to come. */
export type AskEnds = (timesMax: number) => readonly LeaseEndInput[];

/** @param ends in the order of time */
export function firstEnds(
  ends: readonly LeaseEndInput[],
  nowMs: number,
  timesMax: number,
): readonly LeaseEndInput[] {
  let times = 0;
  let last = nowMs;
  const until = ends.findIndex(({ timeMs }) => {
    if (timeMs > last) {
      last = timeMs;
      times += 1;
    }
    return times > timesMax;
  });
  return until < 0 ? ends : ends.slice(0, until);
}

export function leaseEndsOf(inputs: PlanningInputs, timesMax: number): readonly LeaseEndInput[] {
  const { leaseEnds, ends, nowMs } = inputs;
  return leaseEnds === undefined ? (ends?.(timesMax) ?? []) : firstEnds(leaseEnds, nowMs, timesMax);
}

/** Asks and keeps the longest answer. */
export class EndsTape {
  readonly #ask: AskEnds;
  answer: readonly LeaseEndInput[] | undefined;

  constructor(ask: AskEnds) {
    this.#ask = ask;
  }

  readonly ask: AskEnds = (timesMax) => {
    const answer = this.#ask(timesMax);
    if (this.answer === undefined || answer.length > this.answer.length) this.answer = answer;
    return answer;
  };
}
