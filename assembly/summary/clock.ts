/** Time of day for the net: UTC, from seconds since 1970. */

const DAY_SECONDS: f64 = 86400.0;
// sin(pi x / 2) / x on [-1, 1] as an odd polynomial: Taylor to x^15, below 1e-11 of the sine.
const S1: f64 = 1.5707963267948966;
const S3: f64 = -0.6459640975062462;
const S5: f64 = 0.07969262624616703;
const S7: f64 = -0.004681754135318687;
const S9: f64 = 0.00016044118478735975;
const S11: f64 = -0.000003598843235212085;
const S13: f64 = 5.692172921967924e-8;
const S15: f64 = -6.688035109811463e-10;

/** sin(2 pi turns), any sign. */
export function sineOfTurns(turns: f64): f64 {
  // Quarter turns from the nearest half turn: the sine there is odd and its sign alternates.
  const half = nearest(turns * 2.0);
  const x = (turns * 2.0 - half) * 2.0;
  const z = x * x;
  let p = S15 * z + S13;
  p = p * z + S11;
  p = p * z + S9;
  p = p * z + S7;
  p = p * z + S5;
  p = p * z + S3;
  p = p * z + S1;
  const odd = half - 2.0 * floor(half * 0.5);
  return odd !== 0.0 ? -p * x : p * x;
}

/** `sineOfTurns` of two, to the bit. */
export function sinesOfTurns(turns: v128): v128 {
  const doubled = f64x2.mul(turns, f64x2.splat(2.0));
  const half = f64x2.nearest(doubled);
  const x = f64x2.mul(f64x2.sub(doubled, half), f64x2.splat(2.0));
  const z = f64x2.mul(x, x);
  let p = f64x2.add(f64x2.mul(f64x2.splat(S15), z), f64x2.splat(S13));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(S11));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(S9));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(S7));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(S5));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(S3));
  p = f64x2.add(f64x2.mul(p, z), f64x2.splat(S1));
  const pairs = f64x2.floor(f64x2.mul(half, f64x2.splat(0.5)));
  const odd = f64x2.sub(half, f64x2.mul(f64x2.splat(2.0), pairs));
  const sign = v128.and(f64x2.ne(odd, f64x2.splat(0.0)), f64x2.splat(-0.0));
  return v128.xor(f64x2.mul(p, x), sign);
}

/** Part of the UTC day that has passed, [0, 1). */
export function dayFraction(seconds: f64): f64 {
  const days = seconds / DAY_SECONDS;
  return days - floor(days);
}

/** Is it Saturday or Sunday (UTC)? Day 0 of 1970 was a Thursday. */
export function isWeekend(seconds: f64): bool {
  const day = <i64>floor(seconds / DAY_SECONDS);
  const fromMonday = (((day + 3) % 7) + 7) % 7;
  return fromMonday >= 5;
}
