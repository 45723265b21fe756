/**
 * The pool kernels in plain float64, straight from their definitions: what the tests compare the
 * core with. Tables are one array a column.
 */

export type Columns = readonly (readonly number[])[];

function fits(room: Columns, need: readonly number[], node: number): boolean {
  return need.every((amount, column) => amount <= (room[column]?.[node] ?? Number.NaN));
}

export function fitMaskReference(
  room: Columns,
  nodeCount: number,
  need: readonly number[],
): number[] {
  return Array.from({ length: nodeCount }, (_, node) => (fits(room, need, node) ? 1 : 0));
}

export function fitCountReference(
  room: Columns,
  nodeCount: number,
  need: readonly number[],
): number {
  return fitMaskReference(room, nodeCount, need).reduce((sum, bit) => sum + bit, 0);
}

export function fitFirstReference(
  room: Columns,
  nodeCount: number,
  need: readonly number[],
): number {
  return fitMaskReference(room, nodeCount, need).indexOf(1);
}

/** Weighted room that is left on a node, infinite where it is not a number. */
export function leftoverReference(
  room: Columns,
  need: readonly number[],
  weights: readonly number[],
  node: number,
): number {
  let sum = 0;
  need.forEach((amount, column) => {
    sum += (weights[column] ?? 0) * ((room[column]?.[node] ?? Number.NaN) - amount);
  });
  return Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum;
}

export function fitBestReference(
  room: Columns,
  nodeCount: number,
  need: readonly number[],
  weights: readonly number[],
): number {
  let best = -1;
  let bestLeftover = Number.POSITIVE_INFINITY;
  for (let node = 0; node < nodeCount; node++) {
    if (!fits(room, need, node)) continue;
    const leftover = leftoverReference(room, need, weights, node);
    if (best < 0 || leftover < bestLeftover) {
      best = node;
      bestLeftover = leftover;
    }
  }
  return best;
}

export function fitLeastReference(
  room: Columns,
  nodeCount: number,
  need: readonly number[],
  scores: readonly number[],
): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let node = 0; node < nodeCount; node++) {
    const score = scores[node] ?? Number.NaN;
    if (!(score < least) || !fits(room, need, node)) continue;
    best = node;
    least = score;
  }
  return best;
}

export function headroomReference(
  allocatable: Columns,
  allocated: Columns,
  reserved: Columns,
  nodeCount: number,
): number[][] {
  const phaseCount = reserved.length / allocatable.length;
  return reserved.map((row, column) => {
    const resource = Math.floor(column / phaseCount);
    return Array.from(
      { length: nodeCount },
      (_, node) =>
        (allocatable[resource]?.[node] ?? 0) -
        (allocated[resource]?.[node] ?? 0) -
        (row[node] ?? 0),
    );
  });
}

export function columnSumsReference(table: Columns, nodeCount: number): number[] {
  return table.map((row) => row.slice(0, nodeCount).reduce((sum, value) => sum + value, 0));
}

/** Standard deviation of a normal law whose .5 and .9 quantiles are given. */
const NORMAL_SPREAD = 1.2816;

export function aggregateQuantileReference(
  median: Columns,
  upper: Columns,
  rho: readonly number[],
  z: number,
): number[] {
  return median.map((row, column) => {
    const deviations = row.map(
      (middle, member) =>
        (Math.max(upper[column]?.[member] ?? Number.NaN, middle) - middle) / NORMAL_SPREAD,
    );
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const shared = rho[column] ?? 0;
    const variance =
      (1 - shared) * sum(deviations.map((sd) => sd * sd)) + shared * sum(deviations) ** 2;
    return sum(row) + z * Math.sqrt(variance);
  });
}
