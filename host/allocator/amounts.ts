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

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Smallest float32 that is not below `value`: a need never shrinks on its way into the core. */
export function ceilToSingle(value: number): number {
  return -floorToSingle(-value);
}

/** Largest float32 that is not above `value`: room never grows on its way into the core. */
export function floorToSingle(value: number): number {
  const nearest = Math.fround(value);
  if (!(nearest > value)) return nearest;
  if (nearest === 0) return -(2 ** -149);
  single[0] = nearest;
  // Towards minus infinity: the bit pattern of a negative number grows with its size.
  bits[0] = (bits[0] ?? 0) + (nearest > 0 ? -1 : 1);
  return single[0];
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
