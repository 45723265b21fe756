import { QUANTILE_COUNT, RESOURCE_COUNT } from "../../core/abi.js";
import type { UsageHistory } from "./usage-history.js";

/**
 * One of the simple predictors, over all slots. It answers with a need a resource and quantile, the
 * same in every phase after the restart. Nothing in it may depend on the order of other slots.
 */
export interface Predictor {
  /** It has to see every sample, because the core's state is not enough for it. */
  readonly keepsState: boolean;
  /** One sample of a slot became visible: cpu, memory, network, disk, NaN = missing. */
  observe(slot: number, timeSeconds: number, values: readonly number[]): void;
  /** The slot has another tenant from now on. */
  reset(slot: number): void;
  /**
   * @param history what the core's state says of the slot
   * @returns index = resource * 4 + quantile, NaN where the predictor knows nothing
   */
  predict(slot: number, history: UsageHistory): Float64Array;
}

/** A predictor that needs nothing beside the core's state. */
export class HistoryPredictor implements Predictor {
  readonly keepsState = false;
  readonly #rows: (history: UsageHistory) => Float64Array;

  constructor(rows: (history: UsageHistory) => Float64Array) {
    this.#rows = rows;
  }

  observe(): void {}

  reset(): void {}

  predict(_slot: number, history: UsageHistory): Float64Array {
    return this.#rows(history);
  }
}

/** One amount a resource, which its predictor gives whatever the quantile. */
export function amountRows(amounts: readonly number[]): Float64Array {
  return quantileRows(new Array<readonly number[]>(QUANTILE_COUNT).fill(amounts));
}

/** One row of amounts a quantile, lowest level first. */
export function quantileRows(levels: readonly (readonly number[])[]): Float64Array {
  const rows = new Float64Array(RESOURCE_COUNT * QUANTILE_COUNT);
  levels.forEach((amounts, level) => {
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      rows[resource * QUANTILE_COUNT + level] = amounts[resource] ?? Number.NaN;
    }
  });
  return rows;
}
