import { RESOURCE_COUNT } from "../layout";

const QUANTA: f64 = 1024.0;
const QUANTUM: f64 = 0.0009765625;
// Halves the widest level, some thousands, below 2^-40.
const HALVINGS: i32 = 52;
const RESOURCES_BYTES: usize = RESOURCE_COUNT * 8;

/** Sum of what the donors give at a level: from where each stands up to it, no more than it may. */
function sumAt(middle: f64, most: usize, held: usize, harm: usize, end: usize): f64 {
  let sum: f64 = 0.0;
  for (let at: usize = 0; at < end; at += 8) {
    const gives = (middle - load<f64>(harm + at)) * load<f64>(held + at);
    sum += min<f64>(max<f64>(gives, 0.0), load<f64>(most + at));
  }
  return sum;
}

/** Takes the resource's part off the donors' harm, finds its level, adds the new part. */
function fill(most: usize, held: usize, needed: f64, harm: usize, given: usize, end: usize): void {
  let total: f64 = 0.0;
  let low: f64 = Infinity;
  let high: f64 = 0.0;
  for (let at: usize = 0; at < end; at += 8) {
    const limit = load<f64>(most + at);
    if (limit === 0.0) continue;
    const holds = load<f64>(held + at);
    const stand = max<f64>(load<f64>(harm + at) - load<f64>(given + at) / holds, 0.0);
    store<f64>(harm + at, stand);
    total += limit;
    low = min<f64>(low, stand);
    high = max<f64>(high, stand + limit / holds);
  }
  if (total > needed) {
    for (let left = HALVINGS; left > 0; --left) {
      const middle = (low + high) * 0.5;
      if (sumAt(middle, most, held, harm, end) >= needed) high = middle;
      else low = middle;
    }
  }
  for (let at: usize = 0; at < end; at += 8) {
    const limit = load<f64>(most + at);
    if (limit === 0.0) continue;
    const stand = load<f64>(harm + at);
    const holds = load<f64>(held + at);
    const gives = min<f64>(max<f64>((high - stand) * holds, 0.0), limit);
    store<f64>(given + at, gives);
    store<f64>(harm + at, stand + gives / holds);
  }
}

/** The same share of what each may give. */
function shareOut(
  most: usize,
  held: usize,
  needed: f64,
  harm: usize,
  given: usize,
  end: usize,
): void {
  let total: f64 = 0.0;
  for (let at: usize = 0; at < end; at += 8) total += load<f64>(most + at);
  const share = total > needed ? needed / total : 1.0;
  for (let at: usize = 0; at < end; at += 8) {
    const gives = load<f64>(most + at) * share;
    store<f64>(given + at, gives);
    if (gives === 0.0) continue;
    store<f64>(harm + at, load<f64>(harm + at) + gives / load<f64>(held + at));
  }
}

/** Rounds up to multiples of 2^-10, then takes single ones off again until the sum is what is needed. */
function settle(most: usize, needed: f64, given: usize, end: usize): void {
  let sum: f64 = 0.0;
  for (let at: usize = 0; at < end; at += 8) {
    const whole = ceil(load<f64>(given + at) * QUANTA) * QUANTUM;
    const gives = min<f64>(whole, load<f64>(most + at));
    store<f64>(given + at, gives);
    sum += gives;
  }
  for (let at: usize = 0; at < end && sum - QUANTUM >= needed; at += 8) {
    const gives = load<f64>(given + at);
    if (gives < QUANTUM) continue;
    store<f64>(given + at, gives - QUANTUM);
    sum -= QUANTUM;
  }
}

/**
 * How much each donor gives of what is needed, so that all are harmed alike: water filling. A
 * donor's harm is the share of what it holds that it gives, summed over the resources.
 *
 *   most    f64[4][strideBytes / 8]  read: what a donor may give, from 0 to what it holds
 *   held    f64[4][strideBytes / 8]  read: what it holds; 0 only where it may give 0
 *   needed  f64[4]                   read
 *   harm    f64[count]               written
 *   given   f64[4][strideBytes / 8]  written, `count` values a row, no more: <= most, the sum of a
 *                                    row is what is needed, or all that may be given
 *
 * Starts with the same share of each donor's limit; then, `roundCount` times, resource by resource,
 * whoever is harmed least gives up to a common level, the others' parts taken as they are. No such
 * step raises the largest harm. Amounts are multiples of 2^-10, none is NaN or infinite. Regions
 * must not overlap. Reference: `waterFillReference`.
 */
export function waterFill(
  most: usize,
  held: usize,
  needed: usize,
  strideBytes: usize,
  count: i32,
  roundCount: i32,
  harm: usize,
  given: usize,
): void {
  const end = (<usize>count) << 3;
  memory.fill(harm, 0, end);
  for (let round: i32 = -1; round <= roundCount; ++round) {
    let row: usize = 0;
    for (let r: usize = 0; r < RESOURCES_BYTES; r += 8) {
      const amount = load<f64>(needed + r);
      if (round < 0) shareOut(most + row, held + row, amount, harm, given + row, end);
      else if (round === roundCount) settle(most + row, amount, given + row, end);
      else fill(most + row, held + row, amount, harm, given + row, end);
      row += strideBytes;
    }
  }
}
