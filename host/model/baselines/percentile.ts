/**
 * The smallest value that at least `level` of the values do not exceed (nearest rank), what an
 * operator reads off a dashboard; NaN when there is none.
 */
export function percentile(values: Float64Array, level: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(level * sorted.length) - 1)] ?? Number.NaN;
}
