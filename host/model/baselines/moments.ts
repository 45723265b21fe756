/** N-sigma of "Take it to the limit", 2 h. */
export const N_SIGMA = 5;
/** Of the moving limits of 24 h and of the EWMA. */
export const THREE_SIGMA = 3;

/**
 * mean + n s of a window: N-sigma of "Take it to the limit" (Bashir et al., EuroSys 2021; its
 * simulator's sample configuration: n = 5, 2 h) and mean + 3 sigma of 24 h.
 *
 * @param taken degrees of freedom taken from the count: 0 = of the population, 1 = of a sample
 * @returns the mean alone when there are too few values for a spread, NaN without any
 */
export function meanPlusSigmas(values: Float64Array, n: number, taken: 0 | 1): number {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count <= taken) return mean;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return mean + n * Math.sqrt(squares / (count - taken));
}

/**
 * e + n s, with e[t] = alpha x[t] + (1 - alpha) e[t-1] from the window's first value on, and s the
 * window's standard deviation: a control chart's moving limit.
 */
export function ewmaPlusSigmas(values: Float64Array, n: number, alpha: number): number {
  let smooth = values[0] ?? Number.NaN;
  let sum = 0;
  for (const value of values) {
    smooth += alpha * (value - smooth);
    sum += value;
  }
  const mean = sum / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) * (value - mean), 0);
  return smooth + n * Math.sqrt(squares / values.length);
}
