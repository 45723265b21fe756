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

/**
 * `exponential` of the first `count` values in place, to the bit, four at a time: a division waits
 * for the one before it, four chains wait together.
 *
 * @param values at least `count` rounded up to a multiple of 4
 */
export function exponentials(values: Float64Array, count: number): void {
  const scale = 2 ** HALVINGS;
  for (let at = 0; at < count; at += 4) {
    const x0 = (values[at] ?? 0) / scale;
    const x1 = (values[at + 1] ?? 0) / scale;
    const x2 = (values[at + 2] ?? 0) / scale;
    const x3 = (values[at + 3] ?? 0) / scale;
    let [s0, s1, s2, s3] = [1, 1, 1, 1];
    for (let term = TERMS; term > 0; term--) {
      s0 = 1 + (s0 * x0) / term;
      s1 = 1 + (s1 * x1) / term;
      s2 = 1 + (s2 * x2) / term;
      s3 = 1 + (s3 * x3) / term;
    }
    for (let step = 0; step < HALVINGS; step++) {
      s0 *= s0;
      s1 *= s1;
      s2 *= s2;
      s3 *= s3;
    }
    values[at] = s0;
    values[at + 1] = s1;
    values[at + 2] = s2;
    values[at + 3] = s3;
  }
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
