/**
 * Amounts are multiples of 2^-10 below 2^22, so that sums and differences of a million of them are
 * exact in float64: pools add up to the bit, whatever the order. Needs are rounded up, capacities
 * down.
 */
import { NEED_COLUMNS, QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";

const STEPS_PER_UNIT = 1024;

/** Smallest multiple of 2^-10 that is not below `value`. */
export function roundUp(value: number): number {
  return Math.ceil(value * STEPS_PER_UNIT) / STEPS_PER_UNIT + 0;
}

/** Largest multiple of 2^-10 that is not above `value`. */
export function roundDown(value: number): number {
  return Math.floor(value * STEPS_PER_UNIT) / STEPS_PER_UNIT + 0;
}

/** Checks one value a resource. @throws ERR_ARGUMENT */
export function checkResourceAmounts(values: readonly number[], field: string): void {
  checkAmounts(values, RESOURCE_COUNT, field);
}

/** Checks resource x phase. @throws ERR_ARGUMENT */
export function checkNeedAmounts(values: readonly number[], field: string): void {
  checkAmounts(values, NEED_COLUMNS, field);
}

/** Checks four quantiles of resource x phase. @throws ERR_ARGUMENT */
export function checkQuantiles(values: readonly number[]): void {
  checkAmounts(values, NEED_COLUMNS * QUANTILE_COUNT, "quantiles");
}

function checkAmounts(values: readonly number[], length: number, field: string): void {
  if (!Array.isArray(values) || values.length !== length) {
    throw new RepriseError("ERR_ARGUMENT", "amounts have the wrong length", {
      field,
      got: Array.isArray(values) ? values.length : values,
      expected: `${length} numbers`,
    });
  }
  for (const value of values) {
    if (!(typeof value === "number" && value >= 0 && value <= LIMITS.amountMax)) {
      throw new RepriseError("ERR_ARGUMENT", "an amount is out of range", {
        field,
        got: value,
        expected: `a number from 0 to ${LIMITS.amountMax}`,
      });
    }
  }
}
