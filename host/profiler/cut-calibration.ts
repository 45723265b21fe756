import {
  ENVELOPE_ROWS,
  NEED_COLUMNS,
  PHASE_COUNT,
  QUANTILE_COUNT,
  QUANTILES,
  RESOURCE_COUNT,
} from "../core/abi.js";
import type { LearntArrays, LearntPart } from "./learnt.js";
import { clampOffset, ownWeight, trackOnce } from "./offset-tracker.js";
import { type TrackedTruth, TypeTrackers, trackRows } from "./type-trackers.js";

const ETA_GLOBAL = 0.05;
/** Cuts under way together that may each take a whole step. */
const FULL_STEPS = 8;
const ETA_INSTANCE = 0.1;
/** An instance's offsets are 16-bit numbers of this unit: 32 bytes and a count an instance. */
const UNIT = 2 ** -13;
const OWN = RESOURCE_COUNT * QUANTILE_COUNT;
const COUNT_MAX = 65_535;

/** Whose answer it is. */
export interface Owner {
  readonly slot: number;
  readonly jobType: string | undefined;
}

/**
 * Offsets learnt from shadow cuts: one for all instances a resource, phase and quantile, one a job
 * type, and one an instance, resource and quantile, the narrower ones shrunk by n / (n + 20). They
 * correct whatever the network gets wrong on undisturbed instances; what a restart adds is learnt
 * apart from them.
 */
export class CutCalibration implements LearntPart {
  readonly #global = new Float64Array(ENVELOPE_ROWS);
  readonly #types = new TypeTrackers();
  readonly #own: Int16Array;
  readonly #ownCounts: Uint16Array;
  readonly #count = new Uint32Array(1);

  constructor(slotCount: number) {
    this.#own = new Int16Array(slotCount * OWN);
    this.#ownCounts = new Uint16Array(slotCount);
  }

  /** Cuts scored so far. */
  get count(): number {
    return this.#count[0] ?? 0;
  }

  /** Of one instance, up to 65,535. */
  countOf(slot: number): number {
    return this.#ownCounts[slot] ?? 0;
  }

  /** In asinh space, by `envelopeRow`. */
  offsetsInto(out: Float64Array, { slot, jobType }: Owner): void {
    // `out` may be longer: a keep-need's rows behind it.
    out.set(this.#global);
    this.#types.addTo(out, jobType);
    const own = this.#own;
    const weight = ownWeight(this.countOf(slot));
    let row = 0;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const from = slot * OWN + resource * QUANTILE_COUNT;
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++, row++) {
          const instance = weight * (own[from + quantile] ?? 0) * UNIT;
          out[row] = clampOffset((out[row] ?? 0) + instance);
        }
      }
    }
  }

  /**
   * Learns from one cut. Cuts that are under way together were made with the same offsets, so their
   * steps add up before the first of them is seen again: the shared offsets take smaller ones then.
   *
   * @param boost factor on the step of the offsets that all share, 1 unless there is drift
   */
  learn(owner: Owner, truth: TrackedTruth & { readonly underWay: number }, boost: number): void {
    const factor = Math.min(1, FULL_STEPS / truth.underWay);
    if (!trackRows(this.#global, truth, ETA_GLOBAL * boost * factor)) return;
    this.#count[0] = this.count + 1;
    this.#types.learn(owner.jobType, truth, factor);
    this.#learnOwn(owner.slot, truth);
  }

  get arrays(): LearntArrays {
    return { global: this.#global, count: this.#count };
  }

  typeNames(): Iterable<string> {
    return this.#types.typeNames();
  }

  typeArrays(jobType: string): LearntArrays | undefined {
    return this.#types.typeArrays(jobType);
  }

  loaded(): void {}

  /** Offsets of one instance and their count, as `takeUp` takes them; undefined without a cut. */
  own(slot: number): Int16Array | undefined {
    if (this.countOf(slot) === 0) return undefined;
    const out = new Int16Array(OWN + 1);
    out.set(this.#own.subarray(slot * OWN, (slot + 1) * OWN));
    out[OWN] = this.countOf(slot);
    return out;
  }

  takeUp(slot: number, own: Int16Array): void {
    if (own.length !== OWN + 1) return;
    this.#own.set(own.subarray(0, OWN), slot * OWN);
    this.#ownCounts[slot] = own[OWN] ?? 0;
  }

  /** A slot changes hands. */
  reset(slot: number): void {
    this.#own.fill(0, slot * OWN, (slot + 1) * OWN);
    this.#ownCounts[slot] = 0;
  }

  /** The phases of one resource share an offset; each moves it by a third of a step. */
  #learnOwn(slot: number, { peaks, predicted }: TrackedTruth): void {
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const peak = peaks[column] ?? Number.NaN;
      if (Number.isNaN(peak)) continue;
      for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
        const row = column * QUANTILE_COUNT + quantile;
        const at = slot * OWN + ownIndex(row);
        const level = QUANTILES[quantile] ?? 0;
        const before = (this.#own[at] ?? 0) * UNIT;
        const miss = peak > (predicted[row] ?? Number.NaN);
        const eta = ETA_INSTANCE / PHASE_COUNT;
        this.#own[at] = Math.round(trackOnce(before, miss, level, eta) / UNIT);
      }
    }
    this.#ownCounts[slot] = Math.min(COUNT_MAX, this.countOf(slot) + 1);
  }
}

function ownIndex(row: number): number {
  const resource = Math.floor(row / (PHASE_COUNT * QUANTILE_COUNT));
  return resource * QUANTILE_COUNT + (row % QUANTILE_COUNT);
}
