/**
 * The simple statistics behind rungs 2 and 4, from the same state as the features.
 *
 * | region | type | shape | access |
 * |---|---|---|---|
 * | state | tile state, `layout.ts` | [tile] of stateStride bytes | read |
 * | out | f32 | [tile][3][8][4], three resource rows | written whole |
 *
 * Row 0: max(2 h mean + 5 sigma, 24 h mean + 3 sigma). Row 1: 2 h mean + 1 sigma. Row 2: largest
 * value of the week up to the last sample. A resource that was never seen is NaN in all three. The
 * regions do not overlap. Sources: N-sigma of "Take it to the limit" (EuroSys 2021).
 */

import {
  RESOURCE_ROW_BYTES,
  TILE_LANES,
  TILE_LAST,
  TILE_MEAN_2H,
  TILE_MEAN_24H,
  TILE_OBSERVED,
  TILE_VARIANCE_2H,
  TILE_VARIANCE_24H,
} from "../layout";
import { decodeSteps, unpackCodes } from "./steps";
import { weekMaximum } from "./windows";

export function statistics(
  state: usize,
  stateStride: i32,
  out: usize,
  outStride: i32,
  tileCount: i32,
): void {
  for (let tile = 0; tile < tileCount; tile++) {
    const low = weekMaximum(state, 0);
    const high = weekMaximum(state, 1);
    // The rows of the result hold the codes of the week until each lane replaces them.
    v128.store(out, low, 2 * RESOURCE_ROW_BYTES);
    v128.store(out, high, 2 * RESOURCE_ROW_BYTES + 16);
    for (let lane = TILE_LANES - 1; lane >= 0; lane--) {
      const codes = unpackCodes(load<u32>(out + (lane << 2), 2 * RESOURCE_ROW_BYTES));
      writeLane(state + (lane << 4), out + (lane << 4), codes);
    }
    state += stateStride;
    out += outStride;
  }
}

function writeLane(at: usize, out: usize, weekCodes: v128): void {
  const mean2h = v128.load(at, TILE_MEAN_2H);
  const sigma2h = f32x4.sqrt(v128.load(at, TILE_VARIANCE_2H));
  const mean24h = v128.load(at, TILE_MEAN_24H);
  const sigma24h = f32x4.sqrt(v128.load(at, TILE_VARIANCE_24H));
  const nSigma = f32x4.add(mean2h, f32x4.mul(sigma2h, f32x4.splat(5.0)));
  const day = f32x4.add(mean24h, f32x4.mul(sigma24h, f32x4.splat(3.0)));
  const never = f32x4.eq(v128.load(at, TILE_OBSERVED), f32x4.splat(0.0));
  const nan = f32x4.splat(NaN);
  const last = v128.load(at, TILE_LAST);
  const largest = f32x4.max(decodeSteps(weekCodes), last);
  v128.store(out, v128.bitselect(nan, f32x4.max(nSigma, day), never));
  v128.store(out, v128.bitselect(nan, f32x4.add(mean2h, sigma2h), never), RESOURCE_ROW_BYTES);
  v128.store(out, v128.bitselect(nan, largest, never), 2 * RESOURCE_ROW_BYTES);
}
