import { RESOURCE_COUNT } from "../../core/abi.js";
import { RecommenderState, VPA } from "../../model/baselines/recommenders.js";
import { amountRows, type Predictor } from "./predictor.js";

/**
 * The recommender of Kubernetes' Vertical Pod Autoscaler over all slots, with the constants that
 * the evaluation compares with. VPA knows neither network nor disk: they are treated as CPU, with
 * buckets of their own.
 *
 * Goals: its answer at any moment, O(log buckets) a sample, 3.5 KiB an instance. Non-goals: its
 * bounds, its confidence, out-of-memory bumps (a trace has none).
 */
export class VpaPredictor implements Predictor {
  readonly keepsState = true;
  readonly #slots: (RecommenderState | undefined)[];

  constructor(slotCount: number) {
    this.#slots = new Array<RecommenderState | undefined>(slotCount).fill(undefined);
  }

  observe(slot: number, timeSeconds: number, values: readonly number[]): void {
    let state = this.#slots[slot];
    if (state === undefined) {
      state = new RecommenderState(VPA);
      this.#slots[slot] = state;
    }
    state.observe(timeSeconds, values);
  }

  reset(slot: number): void {
    this.#slots[slot] = undefined;
  }

  predict(slot: number): Float64Array {
    const state = this.#slots[slot];
    return amountRows(
      Array.from(
        { length: RESOURCE_COUNT },
        (_, resource) => state?.recommend(resource) ?? Number.NaN,
      ),
    );
  }
}
