/** The head for one instance: lanes over rows of a layer, the weights as `packHead` left them. */

import { ENVELOPE_ROWS } from "../layout";
import { softplusRows } from "../simd/logarithm";
import { madd } from "../simd/madd";
import {
  CLOCK_FROM,
  CLOCK_TO,
  HEAD_FIRST_ROWS,
  HEAD_SECOND_ROWS,
  siluRows,
  WINDOW_FROM,
  WINDOW_TO,
} from "./head";

/**
 * 16 rows at a time: four accumulators, each over its own block of four rows.
 *
 *   packed   f32[rows / 4][1 + columns][4]  read; returns its end
 *   x        f32[columns] up to xEnd        read
 *   out      f32[rows] up to outEnd         written, and read when `more`: the sums so far
 *
 * Every sum runs over the columns in order, as in `affineTile`, so both give the same bits.
 */
function affineLane(
  packed: usize,
  x: usize,
  xEnd: usize,
  out: usize,
  outEnd: usize,
  more: bool,
): usize {
  const bytes: usize = 16 + ((xEnd - x) << 2);
  do {
    let w0 = packed;
    let w1 = w0 + bytes;
    let w2 = w1 + bytes;
    let w3 = w2 + bytes;
    let a = v128.load(w0);
    let b = v128.load(w1);
    let c = v128.load(w2);
    let d = v128.load(w3);
    if (more) {
      a = f32x4.add(a, v128.load(out));
      b = f32x4.add(b, v128.load(out, 16));
      c = f32x4.add(c, v128.load(out, 32));
      d = f32x4.add(d, v128.load(out, 48));
    }
    let at = x;
    do {
      const splat = v128.load32_splat(at);
      a = madd(v128.load(w0, 16), splat, a);
      b = madd(v128.load(w1, 16), splat, b);
      c = madd(v128.load(w2, 16), splat, c);
      d = madd(v128.load(w3, 16), splat, d);
      w0 += 16;
      w1 += 16;
      w2 += 16;
      w3 += 16;
      at += 4;
    } while (at < xEnd);
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
    out += 64;
    packed = w3 + 16;
  } while (out < outEnd);
  return packed;
}

/**
 * Quantiles of one instance before calibration, `head` of its column to the bit.
 *
 *   packed   read; made by `packHead`
 *   h        f32[H]         read; values 32 bytes apart, a column of a tile
 *   s        f32[S]         read; contiguous
 *   out      f32[48]        written; u-space, row = (resource * 3 + phase) * 4 + k
 *   scratch  f32[H + S + 208]   written
 */
export function headLane(
  packed: usize,
  h: usize,
  s: usize,
  out: usize,
  hiddenSize: i32,
  summarySize: i32,
  scratch: usize,
): void {
  const first: usize = scratch;
  const firstEnd: usize = first + ((<usize>HEAD_FIRST_ROWS) << 2);
  const second: usize = firstEnd;
  const secondEnd: usize = second + ((<usize>HEAD_SECOND_ROWS) << 2);
  const steps: usize = secondEnd;
  const x: usize = steps + ((<usize>ENVELOPE_ROWS) << 2);
  let end: usize = x;
  for (let unit = 0; unit < hiddenSize; unit++) {
    store<f32>(end, load<f32>(h));
    h += 32;
    end += 4;
  }
  end = copyColumns(s, 0, min(summarySize, WINDOW_FROM), end);
  let w = affineLane(packed, x, end, first, firstEnd, false);
  if (summarySize > WINDOW_TO) {
    end = copyColumns(s, WINDOW_TO, min(summarySize, CLOCK_FROM), x);
    end = copyColumns(s, CLOCK_TO, summarySize, end);
    w = affineLane(w, x, end, first, firstEnd, true);
  }
  if (summarySize > WINDOW_FROM) {
    end = copyColumns(s, WINDOW_FROM, min(summarySize, WINDOW_TO), x);
    end = copyColumns(s, CLOCK_FROM, min(summarySize, CLOCK_TO), end);
    w = affineLane(w, x, end, first, firstEnd, true);
  }
  siluRows(first, firstEnd);
  w = affineLane(w, first, firstEnd, second, secondEnd, false);
  siluRows(second, secondEnd);
  affineLane(w, second, secondEnd, out, out + ((<usize>ENVELOPE_ROWS) << 2), false);
  sumLevels(out, steps);
}

/** Columns from one to another, contiguous; returns the end. */
function copyColumns(s: usize, from: i32, to: i32, out: usize): usize {
  for (let column = from; column < to; column++) {
    store<f32>(out, load<f32>(s + ((<usize>column) << 2)));
    out += 4;
  }
  return out;
}

/** The first of each four stays; each further one is the one before it and a softplus more. */
function sumLevels(out: usize, steps: usize): void {
  const bytes: usize = (<usize>ENVELOPE_ROWS) << 2;
  memory.copy(steps, out, bytes);
  softplusRows(steps, steps + bytes);
  for (let group: usize = 0; group < bytes; group += 16) {
    let level = load<f32>(out + group);
    for (let at = group + 4; at < group + 16; at += 4) {
      level += load<f32>(steps + at);
      store<f32>(out + at, level);
    }
  }
}
