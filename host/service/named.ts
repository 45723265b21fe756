/** Amounts of resource x phase as they go over the wire: by name. */
import {
  envelopeRow,
  needColumn,
  PHASES,
  QUANTILES,
  RESOURCES,
  type Resource,
} from "../core/abi.js";

export type Named<T> = Record<Resource, T>;

export function byResource<T>(value: (resource: number) => T): Named<T> {
  return Object.fromEntries(RESOURCES.map((name, resource) => [name, value(resource)])) as Named<T>;
}

/** One value a resource. */
export function namedAmounts(amounts: ArrayLike<number>): Named<number> {
  return byResource((resource) => amounts[resource] ?? 0);
}

/** Resource x phase, 12 numbers. */
export function namedPhases(amounts: ArrayLike<number>): Named<number[]> {
  return byResource((resource) =>
    PHASES.map((_, phase) => amounts[needColumn(resource, phase)] ?? 0),
  );
}

/** Resource x phase x quantile, 48 numbers. */
export function namedEnvelope(envelope: ArrayLike<number>): Named<number[][]> {
  return byResource((resource) =>
    PHASES.map((_, phase) =>
      QUANTILES.map((_level, quantile) => envelope[envelopeRow(resource, phase, quantile)] ?? 0),
    ),
  );
}

/** Resource x quantile, 16 numbers. */
export function namedQuantiles(values: ArrayLike<number>): Named<number[]> {
  return byResource((resource) =>
    QUANTILES.map((_, quantile) => values[resource * QUANTILES.length + quantile] ?? 0),
  );
}

/** Of resource x phase: the highest, or what else `pick` says, of each resource's phases. */
export function highestPhaseOf(amounts: ArrayLike<number>, pick = Math.max): number[] {
  return RESOURCES.map((_, resource) =>
    pick(...PHASES.map((_phase, phase) => amounts[needColumn(resource, phase)] ?? 0)),
  );
}
