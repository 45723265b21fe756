import { upperHalf } from "./headroom";

// Distance between the .5 and the .9 quantile of a normal law, in standard deviations.
const SPREAD: f64 = 1.2816;

/**
 * Quantile of the sum of the members' needs, by the one-factor normal short cut:
 * sum mu + z sqrt((1 - rho) sum sd^2 + rho (sum sd)^2), mu the median, sd = (q.9 - q.5) / 1.2816.
 *
 *   median  f32[columnCount][strideBytes / 4]  read: .5 quantile of each member
 *   upper   f32[columnCount][strideBytes / 4]  read: .9 quantile, >= median
 *   rho     f32[columnCount]                   read: correlation of two members, in [0, 1]
 *   out     f64[columnCount]                   written; 0 without members
 *
 * An upper below its median counts as no spread. NaN of a member makes its column NaN.
 * The sums are float64 in a fixed order. Reference: `aggregateQuantileReference`.
 */
export function aggregateQuantile(
  median: usize,
  upper: usize,
  strideBytes: usize,
  memberCount: i32,
  columnCount: i32,
  rho: usize,
  z: f32,
  out: usize,
): void {
  const whole = memberCount & ~3;
  const spread = f64x2.splat(SPREAD);
  for (let column: i32 = 0; column < columnCount; ++column) {
    let means = f64x2.splat(0.0);
    let deviations = f64x2.splat(0.0);
    let squares = f64x2.splat(0.0);
    for (let member: i32 = 0; member < whole; member += 4) {
      const at = (<usize>member) << 2;
      const middle = v128.load(median + at);
      const top = f32x4.max(v128.load(upper + at), middle);
      const lowMean = f64x2.promote_low_f32x4(middle);
      const highMean = f64x2.promote_low_f32x4(upperHalf(middle));
      const lowTop = f64x2.promote_low_f32x4(top);
      const highTop = f64x2.promote_low_f32x4(upperHalf(top));
      const low = f64x2.div(f64x2.sub(lowTop, lowMean), spread);
      const high = f64x2.div(f64x2.sub(highTop, highMean), spread);
      means = f64x2.add(means, f64x2.add(lowMean, highMean));
      deviations = f64x2.add(deviations, f64x2.add(low, high));
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
    }
    let mean = f64x2.extract_lane(means, 0) + f64x2.extract_lane(means, 1);
    let deviation = f64x2.extract_lane(deviations, 0) + f64x2.extract_lane(deviations, 1);
    let square = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
    for (let member: i32 = whole; member < memberCount; ++member) {
      const at = (<usize>member) << 2;
      const middle = <f64>load<f32>(median + at);
      const sd = (max(<f64>load<f32>(upper + at), middle) - middle) / SPREAD;
      mean += middle;
      deviation += sd;
      square += sd * sd;
    }
    const shared = <f64>load<f32>(rho + ((<usize>column) << 2));
    const variance = (1.0 - shared) * square + shared * deviation * deviation;
    const total = mean + <f64>z * sqrt(variance);
    store<f64>(out + ((<usize>column) << 3), total <= Infinity ? total : NaN);
    median += strideBytes;
    upper += strideBytes;
  }
}
