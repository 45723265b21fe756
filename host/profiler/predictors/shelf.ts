import { RepriseError } from "../../lib/errors.js";
import type { Predictor } from "./predictor.js";
import {
  type BaselineName,
  checkPredictorName,
  openPredictor,
  type PredictorName,
} from "./predictors.js";
import type { UsageHistory } from "./usage-history.js";

export interface PredictorChoice {
  /** Whose answers count; the network's when absent. */
  readonly predictor?: PredictorName;
  /** Predictors that are asked for beside it and keep a state of their own. */
  readonly beside?: readonly PredictorName[];
}

/** The simple predictors in use, over all slots. */
export class PredictorShelf {
  /** Whose answers count. */
  readonly chosen: PredictorName;
  readonly #slotCount: number;
  readonly #open = new Map<BaselineName, Predictor>();
  /** The same in an array: a map's iterator would be garbage at each sample. */
  readonly #all: Predictor[] = [];

  /** @throws ERR_ARGUMENT when there is no predictor of that name */
  constructor(slotCount: number, choice: PredictorChoice) {
    this.#slotCount = slotCount;
    this.chosen = choice.predictor ?? "network";
    for (const name of [this.chosen, ...(choice.beside ?? [])]) {
      checkPredictorName("predictor", name);
      // It may be chosen and named beside.
      if (name === "network" || this.#open.has(name)) continue;
      this.#keep(name, openPredictor(name, slotCount));
    }
  }

  observe(slot: number, timeSeconds: number, values: readonly number[]): void {
    for (let index = 0; index < this.#all.length; index++) {
      this.#all[index]?.observe(slot, timeSeconds, values);
    }
  }

  reset(slot: number): void {
    for (const predictor of this.#all) predictor.reset(slot);
  }

  /** @throws ERR_STATE when it keeps a state and was not there from the first sample on */
  predict(name: BaselineName, slot: number, history: UsageHistory): Float64Array {
    return this.#find(name).predict(slot, history);
  }

  #find(name: BaselineName): Predictor {
    const kept = this.#open.get(name);
    if (kept !== undefined) return kept;
    const fresh = openPredictor(name, this.#slotCount);
    if (fresh.keepsState) {
      throw new RepriseError("ERR_STATE", "the predictor has not seen the samples", {
        field: "beside",
        got: name,
        expected: "a predictor named when the profiler was opened, or one without own state",
      });
    }
    this.#keep(name, fresh);
    return fresh;
  }

  #keep(name: BaselineName, predictor: Predictor): void {
    this.#all.push(predictor);
    this.#open.set(name, predictor);
  }
}
