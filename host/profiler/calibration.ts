import { ENVELOPE_ROWS, NEED_COLUMNS, QUANTILE_COUNT, QUANTILES } from "../core/abi.js";
import { checkObject } from "../lib/assert.js";
import { RepriseError } from "../lib/errors.js";
import type { LearntArrays, LearntPart } from "./learnt.js";
import type { RestartOutcome } from "./profile.js";

/** Quantile tracking: step and bound of an offset, in asinh space. */
const ETA = 0.05;
const OFFSET_ABS_MAX = 2;

/**
 * One tracker a resource, phase and quantile, fed by real restarts only. It moves each quantile so
 * that the share of truths above it comes to 1 - level.
 *
 * Whether a truth lies above a quantile is asked in native units: sinh grows with its argument, so
 * it is the same event as in asinh space, and no logarithm of the host takes part.
 */
export class RestartCalibration implements LearntPart {
  readonly #offsets = new Float64Array(ENVELOPE_ROWS);
  readonly #counts = new Uint32Array(NEED_COLUMNS);

  /** Offsets by `envelopeRow`. */
  get offsets(): Readonly<Float64Array> {
    return this.#offsets;
  }

  get arrays(): LearntArrays {
    return { offsets: this.#offsets, counts: this.#counts };
  }

  typeNames(): Iterable<string> {
    return [];
  }

  typeArrays(): undefined {}

  loaded(): void {}

  /** Truths behind the least seen resource and phase that has any; 0 before the first. */
  get trackerCount(): number {
    let least = 0;
    for (const count of this.#counts) {
      if (count > 0 && (least === 0 || count < least)) least = count;
    }
    return least;
  }

  /**
   * Learns from one restart. Resources and phases that were not seen (NaN) teach nothing, and so
   * do answers that these offsets had not moved.
   *
   * @param factor on the step, 0 = teaches nothing; when absent 1 for the network's answers, else 0
   * @throws ERR_ARGUMENT, ERR_SHAPE, ERR_SAMPLE; then no tracker moved
   */
  learn(outcome: RestartOutcome, factor = (outcome.rung ?? 0) === 0 ? 1 : 0): void {
    checkOutcome(outcome);
    if (factor === 0) return;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const truth = outcome.peaks[column] ?? Number.NaN;
      if (Number.isNaN(truth)) continue;
      let seen = false;
      for (let quantile = 0; quantile < QUANTILE_COUNT; quantile++) {
        const row = column * QUANTILE_COUNT + quantile;
        const predicted = outcome.predicted[row] ?? Number.NaN;
        if (Number.isNaN(predicted)) continue;
        seen = true;
        const miss = truth > predicted ? 1 : 0;
        const moved =
          (this.#offsets[row] ?? 0) + factor * ETA * (miss - (1 - (QUANTILES[quantile] ?? 0)));
        this.#offsets[row] = Math.min(OFFSET_ABS_MAX, Math.max(-OFFSET_ABS_MAX, moved));
      }
      if (seen) this.#counts[column] = (this.#counts[column] ?? 0) + 1;
    }
  }
}

/** @throws ERR_ARGUMENT, ERR_SHAPE, ERR_SAMPLE */
export function checkOutcome(outcome: RestartOutcome): void {
  checkObject("outcome", outcome, "what a restarted instance needed");
  checkLength("peaks", outcome.peaks, NEED_COLUMNS);
  checkLength("predicted", outcome.predicted, ENVELOPE_ROWS);
  for (const [field, values] of [
    ["peaks", outcome.peaks],
    ["predicted", outcome.predicted],
  ] as const) {
    for (const value of values) {
      if (typeof value === "number" && (Number.isNaN(value) || value >= 0)) continue;
      throw new RepriseError("ERR_SAMPLE", `${field} of a restart holds no amount`, {
        field,
        got: value,
        expected: "a number from 0, or NaN where nothing was seen",
      });
    }
  }
}

function checkLength(field: string, values: readonly number[] | undefined, expected: number): void {
  if (values?.length === expected) return;
  throw new RepriseError("ERR_SHAPE", `${field} of a restart has the wrong length`, {
    field,
    got: values?.length,
    expected: `${expected}`,
  });
}
