import { Prng } from "../../lib/prng.js";

/** Which figures an event belongs to. */
export const CUT_SETS = ["train", "validate", "test"] as const;
export type CutSet = (typeof CUT_SETS)[number];

/** A virtual interruption of the eight instances of one tile. */
export interface Cut {
  readonly set: CutSet;
  /** Seconds since 1970. */
  readonly at: number;
  /** Cut at each instance's last sample up to `at`, as a tick does, instead of at `at` itself. */
  readonly atSample: boolean;
  /** Minutes, one a lane. */
  readonly outages: readonly number[];
}

/** Where day 0 starts: 2013-07-01 0:00 in Amsterdam, where the trace was taken. */
export const TRACE_START_SECONDS = 1_372_629_600;
const DAY_SECONDS = 86_400;

/** Days [from, until) of each set; day 0 is the first of the trace. */
export const SET_DAYS: Record<CutSet, readonly [number, number]> = {
  train: [8, 54],
  validate: [54, 62],
  test: [63, 92],
};
/** A tenth as many training cuts fall here, so that short histories are known too. */
const YOUNG_DAYS = [0.05, 8] as const;
const YOUNG_ONE_IN = 10;

/** 0 asks for keep-need. */
export const OUTAGES_SCORED = [0, 5, 10, 15, 30, 60] as const;
const OUTAGES_TRAINED = [0, 0, 0, 0, 0, 5, 5, 10, 10, 15, 15, 30, 30, 60, 60, 120, 240] as const;

export interface CutPlan {
  readonly seed: number;
  /** Training cuts an instance, 0 for instances that are never trained on. */
  readonly train: number;
  /** Validation cuts an instance, in the validation days. */
  readonly validate: number;
  /** Validation cuts an instance, in the training and validation days. */
  readonly validateAll: number;
  /** Test cuts an instance. */
  readonly test: number;
}

/** Draws the cuts of one tile in time order. Depends on the seed and the tile only. */
export function drawCuts(plan: CutPlan, tile: number): Cut[] {
  const prng = new Prng(Math.imul(plan.seed, 0x9e3779b1) ^ (tile + 1));
  const cuts: Cut[] = [];
  const draw = (set: CutSet, count: number, days: readonly [number, number]) => {
    const outages: readonly number[] = set === "train" ? OUTAGES_TRAINED : OUTAGES_SCORED;
    for (let index = 0; index < count; index++) {
      const day = days[0] + prng.uniform() * (days[1] - days[0]);
      cuts.push({
        set,
        at: TRACE_START_SECONDS + Math.floor(day * DAY_SECONDS),
        atSample: prng.below(2) === 0,
        outages: Array.from({ length: 8 }, () => outages[prng.below(outages.length)] ?? 0),
      });
    }
  };
  draw("train", plan.train, SET_DAYS.train);
  draw("train", Math.floor(plan.train / YOUNG_ONE_IN), YOUNG_DAYS);
  draw("validate", plan.validate, SET_DAYS.validate);
  draw("validate", plan.validateAll, [SET_DAYS.train[0], SET_DAYS.validate[1]]);
  draw("test", plan.test, SET_DAYS.test);
  return cuts.sort((a, b) => a.at - b.at);
}
