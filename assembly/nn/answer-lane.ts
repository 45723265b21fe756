/** One instance's answer from the state of its tile, without the other seven lanes. */

import {
  ENVELOPE_ROWS,
  PHASE_COUNT,
  RESOURCE_COUNT,
  SUMMARY_ROWS,
  TILE_CAP,
  TILE_SCALE,
} from "../layout";
import { sinhRows } from "../simd/activation";
import { laneFeatures } from "../summary/features";
import { capped } from "./envelope";
import { headLane } from "./head-lane";

/** Bytes of one resource: three phases of four quantiles. */
const RESOURCE_BYTES: usize = <usize>(PHASE_COUNT * 16);

/**
 * Features, head and envelope of one lane, for an answer that cannot wait for a tick: the bits that
 * `features`, `head` and `envelope` put into that lane of a tile.
 *
 *   packed   read; made by `packHead`
 *   state    one tile's state       read, `layout.ts`
 *   hidden   f32[H][8]              read, the lane's column; one tile's hidden state
 *   offset   f32[48]                read; calibration, u-space; address 0 = none
 *   out      f32[48]                written; row = (resource * 3 + phase) * 4 + k
 *   scratch  `headScratchBytes()`   written; one a thread; more than enough for H up to 1,024
 *
 * `atSeconds` and `outageMinutes` as in `features`, NaN as in `envelope`. Regions must not overlap.
 */
export function laneAnswer(
  packed: usize,
  state: usize,
  hidden: usize,
  lane: i32,
  atSeconds: f64,
  outageMinutes: f32,
  offset: usize,
  out: usize,
  hiddenSize: i32,
  summarySize: i32,
  scratch: usize,
): void {
  const summary: usize = scratch;
  const rest: usize = summary + <usize>(SUMMARY_ROWS << 2);
  laneFeatures(state, lane, summary, atSeconds, outageMinutes);
  headLane(packed, hidden + (lane << 2), summary, out, hiddenSize, summarySize, rest);
  raiseLevels(out, offset);
  sinhRows(out, out + ((<usize>ENVELOPE_ROWS) << 2));
  for (let resource: i32 = 0; resource < RESOURCE_COUNT; resource++) {
    const row: usize = state + (lane << 4) + (resource << 2);
    const scale = v128.load32_splat(row, TILE_SCALE);
    const cap = v128.load32_splat(row, TILE_CAP);
    const end: usize = out + RESOURCE_BYTES;
    for (; out < end; out += 16) v128.store(out, capped(v128.load(out), scale, cap));
  }
}

/** q + offset, then the running maximum over the four levels of each resource and phase. */
function raiseLevels(out: usize, offset: usize): void {
  const end: usize = out + ((<usize>ENVELOPE_ROWS) << 2);
  while (out < end) {
    const last: usize = out + 16;
    let level: f32 = -Infinity;
    for (; out < last; out += 4) {
      let u = load<f32>(out);
      if (offset !== 0) {
        u += load<f32>(offset);
        offset += 4;
      }
      level = max(level, u);
      store<f32>(out, level);
    }
  }
}
