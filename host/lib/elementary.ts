/**
 * exp and ln in float64 out of additions, products and quotients only, which IEEE 754 rounds the
 * same everywhere: unlike those of the host they may take part in decisions.
 */

const HALVINGS = 6;
const TERMS = 14;

/** e^x, relative error below 1e-13 for abs(x) <= 16. */
export function exponential(x: number): number {
  const small = x / 2 ** HALVINGS;
  let sum = 1;
  for (let term = TERMS; term > 0; term--) sum = 1 + (sum * small) / term;
  for (let step = 0; step < HALVINGS; step++) sum *= sum;
  return sum;
}

const SERIES_LAST = 33;

/** ln x, absolute error below 1e-12. Zero, negative and unbounded numbers give NaN. */
export function logarithm(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return Number.NaN;
  let mantissa = x;
  let octaves = 0;
  for (; mantissa > Math.SQRT2; octaves++) mantissa /= 2;
  for (; mantissa < Math.SQRT1_2; octaves--) mantissa *= 2;
  const t = (mantissa - 1) / (mantissa + 1);
  let sum = 0;
  for (let power = SERIES_LAST; power > 0; power -= 2) sum = sum * t * t + 1 / power;
  return octaves * Math.LN2 + 2 * t * sum;
}
