/** Slope of readings over time, and how sure it is. */

/** Two-sided 95 % points of Student's distribution by degrees of freedom from 1; 1.96 beyond. */
const STUDENT_95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16];
const STUDENT_95_MANY = 1.96;
const STUDENT_95_SOME = 2.15;
const SOME = 60;

export interface Slope {
  readonly slope: number;
  /** The interval that holds it with 95 %. */
  readonly low: number;
  readonly high: number;
}

/**
 * Least squares over the means of blocks of one unit of time: neighbours are not independent,
 * blocks nearly are.
 *
 * @param readings time and value; NaN everywhere with less than three blocks
 */
export function slopeOf(readings: readonly (readonly [time: number, value: number])[]): Slope {
  const blocks = new Map<number, { count: number; time: number; value: number }>();
  for (const [time, value] of readings) {
    const at = Math.floor(time);
    const block = blocks.get(at) ?? { count: 0, time: 0, value: 0 };
    blocks.set(at, {
      count: block.count + 1,
      time: block.time + time,
      value: block.value + value,
    });
  }
  const points = [...blocks.values()].map(({ count, time, value }) => [
    time / count,
    value / count,
  ]);
  return fitted(points.map(([time = 0, value = 0]) => [time, value]));
}

function fitted(points: readonly (readonly [number, number])[]): Slope {
  const count = points.length;
  if (count < 3) return { slope: Number.NaN, low: Number.NaN, high: Number.NaN };
  const mean = (column: 0 | 1) => points.reduce((sum, point) => sum + point[column], 0) / count;
  const [timeMean, valueMean] = [mean(0), mean(1)];
  let [across, squares] = [0, 0];
  for (const [time, value] of points) {
    across += (time - timeMean) * (value - valueMean);
    squares += (time - timeMean) ** 2;
  }
  const slope = across / squares;
  const rest = points.reduce(
    (sum, [time, value]) => sum + (value - valueMean - slope * (time - timeMean)) ** 2,
    0,
  );
  const error = Math.sqrt(rest / (count - 2) / squares) * student(count - 2);
  return { slope, low: slope - error, high: slope + error };
}

function student(freedom: number): number {
  return STUDENT_95[freedom - 1] ?? (freedom < SOME ? STUDENT_95_SOME : STUDENT_95_MANY);
}
