import {
  NEED_COLUMNS,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
  RESOURCES,
} from "../../core/abi.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../../model/training/cuts.js";
import type { Series } from "../../model/training/series.js";
import type { NetworkWeights } from "../../model/weights.js";
import { isHeldOut } from "../../sources/bitbrains/split.js";
import type { ScoredCut } from "../shadow-cuts.js";
import { distance } from "../shift.js";
import { streamSeries } from "./series-stream.js";

/** How the shadow cuts of some instances came out, one resource. */
export interface StreamFigures {
  readonly truths: number;
  /** Coverage at .5, .9, .95, .99. */
  readonly levels: readonly number[];
  /** Coverage at .95 of each week. */
  readonly weeks: readonly number[];
  /** Share of instances with less than .85 at .95; of those with 100 truths or more. */
  readonly shareBelow85: number;
  /** Mean over the phases. */
  readonly aPin95: number;
}

export interface StreamReport {
  readonly set: string;
  readonly instances: number;
  readonly resources: readonly {
    readonly resource: string;
    /** As the network says. */
    readonly raw: StreamFigures;
    /** With the offsets that earlier shadow cuts taught. */
    readonly tracked: StreamFigures;
  }[];
}

/** Two weeks to warm up before the first day that counts. */
const WARM_DAYS = 14;
const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 7 * DAY_SECONDS;
const LEVEL_INDEX = 2;
const TRUTHS_MIN = 100;
const COVERAGE_FLOOR = 0.85;

/**
 * Streams the test days of all instances through the profiler twice, with and without learning from
 * its shadow cuts, and scores those cuts. These are virtual cuts, not restarts.
 */
export async function streamCoverage(
  all: readonly Series[],
  weights: NetworkWeights,
  onProgress?: (done: number, total: number) => void,
): Promise<StreamReport[]> {
  const countedSeconds = TRACE_START_SECONDS + SET_DAYS.test[0] * DAY_SECONDS;
  const fromSeconds = countedSeconds - WARM_DAYS * DAY_SECONDS;
  const series = all.filter(({ times }) => (times.at(-1) ?? 0) > fromSeconds);
  const pass = async (teach: boolean, half: 0 | 1): Promise<CutTally[]> => {
    const tallies = series.map(() => new CutTally(countedSeconds));
    await streamSeries({
      series,
      fromSeconds,
      weights,
      teach,
      onCut: (cut, index) => tallies[index]?.add(cut),
      onProgress: (done, total) => onProgress?.(half * total + done, 2 * total),
    });
    return tallies;
  };
  const raw = await pass(false, 0);
  const tracked = await pass(true, 1);
  const unseen = series.map(({ name }) => isHeldOut(name));
  const report = (set: string, pick: (index: number) => boolean): StreamReport[] => {
    const of = (tallies: readonly CutTally[]) => tallies.filter((_, index) => pick(index));
    const [ours, learnt] = [of(raw), of(tracked)];
    if (ours.length === 0) return [];
    const resources = RESOURCES.map((resource, index) => ({
      resource,
      raw: figures(ours, index),
      tracked: figures(learnt, index),
    }));
    return [{ set, instances: ours.length, resources }];
  };
  return [
    ...report("seen instances", (index) => unseen[index] !== true),
    ...report("unseen instances", (index) => unseen[index] === true),
  ];
}

const CELLS = RESOURCE_COUNT * QUANTILE_COUNT;

/** Sums over one instance's counted shadow cuts. */
class CutTally {
  readonly #countedSeconds: number;
  /** By resource. */
  readonly truths = new Float64Array(RESOURCE_COUNT);
  /** By resource and level. */
  readonly covered = new Float64Array(CELLS);
  /** By resource and phase. */
  readonly losses = new Float64Array(NEED_COLUMNS);
  readonly lossCounts = new Float64Array(NEED_COLUMNS);
  /** By week: truths and covered of each resource. */
  readonly weeks: { readonly truths: Float64Array; readonly covered: Float64Array }[] = [];

  constructor(countedSeconds: number) {
    this.#countedSeconds = countedSeconds;
  }

  add(cut: ScoredCut): void {
    const since = cut.atSeconds - this.#countedSeconds;
    if (since < 0) return;
    const week = this.#week(Math.floor(since / WEEK_SECONDS));
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const peak = cut.peaks[column] ?? Number.NaN;
      const resource = Math.floor(column / PHASE_COUNT);
      const granted = cut.predicted[column * QUANTILE_COUNT + LEVEL_INDEX] ?? Number.NaN;
      const error = distance(peak, granted, cut.scale[resource] ?? Number.NaN);
      if (Number.isNaN(error)) continue;
      bump(this.truths, resource, 1);
      bump(week.truths, resource, 1);
      if (peak <= granted) bump(week.covered, resource, 1);
      const level = QUANTILES[LEVEL_INDEX];
      bump(this.losses, column, Math.max(level * error, (level - 1) * error));
      bump(this.lossCounts, column, 1);
      for (let k = 0; k < QUANTILE_COUNT; k++) {
        const quantile = cut.predicted[column * QUANTILE_COUNT + k] ?? Number.NaN;
        if (peak <= quantile) bump(this.covered, resource * QUANTILE_COUNT + k, 1);
      }
    }
  }

  #week(index: number) {
    while (this.weeks.length <= index) {
      this.weeks.push({
        truths: new Float64Array(RESOURCE_COUNT),
        covered: new Float64Array(RESOURCE_COUNT),
      });
    }
    return this.weeks[index] as CutTally["weeks"][number];
  }
}

function bump(sums: Float64Array, at: number, by: number): void {
  sums[at] = (sums[at] ?? 0) + by;
}

function figures(tallies: readonly CutTally[], resource: number): StreamFigures {
  const sum = (pick: (tally: CutTally) => number | undefined) =>
    tallies.reduce((total, tally) => total + (pick(tally) ?? 0), 0);
  const truths = sum((tally) => tally.truths[resource]);
  const weekCount = Math.max(0, ...tallies.map(({ weeks }) => weeks.length));
  const at95 = resource * QUANTILE_COUNT + LEVEL_INDEX;
  const known = tallies.filter((tally) => (tally.truths[resource] ?? 0) >= TRUTHS_MIN);
  const poor = known.filter(
    (tally) => (tally.covered[at95] ?? 0) < COVERAGE_FLOOR * (tally.truths[resource] ?? 0),
  );
  const phases = Array.from({ length: PHASE_COUNT }, (_, phase) => {
    const column = resource * PHASE_COUNT + phase;
    return sum((tally) => tally.losses[column]) / sum((tally) => tally.lossCounts[column]);
  });
  return {
    truths,
    levels: QUANTILES.map(
      (_, k) => sum((tally) => tally.covered[resource * QUANTILE_COUNT + k]) / truths,
    ),
    weeks: Array.from(
      { length: weekCount },
      (_, week) =>
        sum((tally) => tally.weeks[week]?.covered[resource]) /
        sum((tally) => tally.weeks[week]?.truths[resource]),
    ),
    shareBelow85: poor.length / known.length,
    aPin95: phases.reduce((total, loss) => total + loss, 0) / PHASE_COUNT,
  };
}
