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
  /** The one lane that really restarted, and how that was recognised; a virtual cut has none. */
  readonly restart?: { readonly lane: number; readonly kind: string };
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
const TRAINING_STREAM = 0x7a11;

/** 0 asks for keep-need. */
export const OUTAGES_SCORED = [0, 5, 10, 15, 30, 60] as const;
const OUTAGES_TRAINED = [0, 0, 0, 0, 0, 5, 5, 10, 10, 15, 15, 30, 30, 60, 60, 120, 240] as const;

/** When training, validation and test cuts of a recording lie. */
export interface Calendar {
  /** Seconds since 1970 of day 0. */
  readonly startSeconds: number;
  /** Days [from, until) of each set. */
  readonly days: Record<CutSet, readonly [number, number]>;
  /** Days from which a tenth as many training cuts come. */
  readonly young: readonly [number, number];
}

/** That of the Bitbrains trace. */
export const TRACE_CALENDAR: Calendar = {
  startSeconds: TRACE_START_SECONDS,
  days: SET_DAYS,
  young: YOUNG_DAYS,
};

const RECORDING_PARTS = { warm: 0.1, train: 0.7, validate: 0.85 } as const;
const WARM_DAYS_MAX = 8;

/**
 * The calendar of any other recording: training up to 70 % of its time, validation up to 85 %, the
 * last part is the test.
 */
export function recordingCalendar(startSeconds: number, endSeconds: number): Calendar {
  const days = (endSeconds - startSeconds) / DAY_SECONDS;
  const warm = Math.min(RECORDING_PARTS.warm * days, WARM_DAYS_MAX);
  const train = RECORDING_PARTS.train * days;
  const validate = RECORDING_PARTS.validate * days;
  return {
    startSeconds,
    days: { train: [warm, train], validate: [train, validate], test: [validate, days] },
    young: [Math.min(YOUNG_DAYS[0], warm), warm],
  };
}

export interface CutPlan {
  /** That of the Bitbrains trace when absent. */
  readonly calendar?: Calendar;
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
  const word = Math.imul(plan.seed, 0x9e3779b1) ^ (tile + 1);
  // Apart, so that more training cuts leave those that score where they are.
  const [training, scoring] = [new Prng(word ^ TRAINING_STREAM), new Prng(word)];
  const cuts: Cut[] = [];
  const { startSeconds, days: setDays, young } = plan.calendar ?? TRACE_CALENDAR;
  const draw = (set: CutSet, count: number, days: readonly [number, number]) => {
    const outages: readonly number[] = set === "train" ? OUTAGES_TRAINED : OUTAGES_SCORED;
    const prng = set === "train" ? training : scoring;
    for (let index = 0; index < count; index++) {
      const day = days[0] + prng.uniform() * (days[1] - days[0]);
      cuts.push({
        set,
        at: startSeconds + Math.floor(day * DAY_SECONDS),
        atSample: prng.below(2) === 0,
        outages: Array.from({ length: 8 }, () => outages[prng.below(outages.length)] ?? 0),
      });
    }
  };
  draw("train", plan.train, setDays.train);
  draw("train", Math.floor(plan.train / YOUNG_ONE_IN), young);
  draw("validate", plan.validate, setDays.validate);
  draw("validate", plan.validateAll, [setDays.train[0], setDays.validate[1]]);
  draw("test", plan.test, setDays.test);
  return cuts.sort((a, b) => a.at - b.at);
}
