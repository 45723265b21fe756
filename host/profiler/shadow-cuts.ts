import {
  ENVELOPE_ROWS,
  NEED_COLUMNS,
  needColumn,
  PHASE_END_MINUTES,
  RESOURCE_COUNT,
} from "../core/abi.js";

/** Cuts under way at one time over all instances: 3.8 MB in all, whatever the fleet. */
const PENDING_MAX = 4_096;
/** A longer silence ends a cut without a verdict. */
const GAP_SECONDS = 900;
const HORIZON_SECONDS = 3_600;

/** What was said of an instance at some moment, as if it had been cut then with no outage. */
export interface CutPrediction {
  readonly atSeconds: number;
  /** 48 quantiles, calibrated. */
  readonly predicted: ArrayLike<number>;
  /** 48 quantiles of rung 2. */
  readonly statistics: ArrayLike<number>;
  /** Four, one a resource. */
  readonly scale: ArrayLike<number>;
}

export interface ScoredCut extends CutPrediction {
  readonly slot: number;
  /** Cuts under way when it was scored, itself included. */
  readonly underWay: number;
  /** 12, NaN where a phase had no sample or a sample lacked the resource. */
  readonly peaks: ArrayLike<number>;
}

/**
 * Shadow cuts: answers for "cut now, back at once" about running instances, held until the hour is
 * over and then scored with what the instance really used. Nothing is done to anybody.
 *
 * Goals: a fixed amount of memory, a handful of operations a sample, the same verdicts for the same
 * samples. Non-goals: choosing whom to cut, learning from the verdict.
 */
export class ShadowCuts {
  readonly #onScored: (cut: ScoredCut) => void;
  /** Index of the cut under way of each slot, plus 1. */
  readonly #ofSlot: Uint16Array;
  readonly #at: Float64Array;
  readonly #last: Float64Array;
  readonly #predicted: Float64Array;
  readonly #statistics: Float64Array;
  readonly #scale: Float64Array;
  /** -1 = nothing seen yet. */
  readonly #peaks: Float64Array;
  readonly #free: number[] = [];

  constructor(slotCount: number, onScored: (cut: ScoredCut) => void) {
    const size = Math.min(PENDING_MAX, slotCount);
    this.#onScored = onScored;
    this.#ofSlot = new Uint16Array(slotCount);
    this.#at = new Float64Array(size);
    this.#last = new Float64Array(size);
    this.#predicted = new Float64Array(size * ENVELOPE_ROWS);
    this.#statistics = new Float64Array(size * ENVELOPE_ROWS);
    this.#scale = new Float64Array(size * RESOURCE_COUNT);
    this.#peaks = new Float64Array(size * NEED_COLUMNS);
    for (let index = size; index > 0; index--) this.#free.push(index - 1);
  }

  get hasRoom(): boolean {
    return this.#free.length > 0;
  }

  isUnderWay(slot: number): boolean {
    return (this.#ofSlot[slot] ?? 0) > 0;
  }

  /** Does nothing when one is under way for the slot, or when all places are taken. */
  begin(slot: number, cut: CutPrediction): void {
    if (this.isUnderWay(slot)) return;
    const index = this.#free.pop();
    if (index === undefined) return;
    this.#ofSlot[slot] = index + 1;
    this.#at[index] = cut.atSeconds;
    this.#last[index] = cut.atSeconds;
    this.#predicted.set(cut.predicted, index * ENVELOPE_ROWS);
    this.#statistics.set(cut.statistics, index * ENVELOPE_ROWS);
    this.#scale.set(cut.scale, index * RESOURCE_COUNT);
    this.#peaks.fill(-1, index * NEED_COLUMNS, (index + 1) * NEED_COLUMNS);
  }

  /** The instance stopped, restarted or left: what it would have used is not known. */
  cancel(slot: number): void {
    const index = (this.#ofSlot[slot] ?? 0) - 1;
    if (index < 0) return;
    this.#ofSlot[slot] = 0;
    this.#free.push(index);
  }

  /** One sample; `values` are four amounts, NaN = missing. Phases are (from, to]. */
  observe(slot: number, timeSeconds: number, values: ArrayLike<number>): void {
    const index = (this.#ofSlot[slot] ?? 0) - 1;
    if (index < 0) return;
    const gap = timeSeconds - (this.#last[index] ?? 0);
    if (gap > GAP_SECONDS) {
      this.cancel(slot);
      return;
    }
    this.#last[index] = timeSeconds;
    const since = timeSeconds - (this.#at[index] ?? 0);
    if (since > 0 && since <= HORIZON_SECONDS) this.#add(index, since, values);
    if (since >= HORIZON_SECONDS) this.#score(slot, index);
  }

  #add(index: number, since: number, values: ArrayLike<number>): void {
    const phase = PHASE_END_MINUTES.findIndex((end) => since <= end * 60);
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const at = index * NEED_COLUMNS + needColumn(resource, phase);
      // Math.max keeps a NaN from either side: a phase with a missing value has no peak.
      this.#peaks[at] = Math.max(this.#peaks[at] ?? 0, values[resource] ?? Number.NaN);
    }
  }

  #score(slot: number, index: number): void {
    const rows = index * ENVELOPE_ROWS;
    const columns = index * NEED_COLUMNS;
    const cut: ScoredCut = {
      slot,
      underWay: this.#at.length - this.#free.length,
      atSeconds: this.#at[index] ?? 0,
      predicted: this.#predicted.slice(rows, rows + ENVELOPE_ROWS),
      statistics: this.#statistics.slice(rows, rows + ENVELOPE_ROWS),
      scale: this.#scale.slice(index * RESOURCE_COUNT, (index + 1) * RESOURCE_COUNT),
      peaks: this.#peaks
        .slice(columns, columns + NEED_COLUMNS)
        .map((peak) => (peak >= 0 ? peak : Number.NaN)),
    };
    this.cancel(slot);
    this.#onScored(cut);
  }
}
