import { feasible, firstLanes } from "./feasible";

/**
 * Finds, for each need, the first node that fits it.
 *
 *   room   f32[columnCount][roomStrideBytes / 4]  read; rows hold whole vectors of 4 nodes
 *   needs  f32[needCount][columnCount]            read
 *   out    i32[needCount]                         written: lowest index that fits, -1 if none
 *
 * Regions must not overlap. NaN never fits.
 * Reference: `fitFirstReference`, host/allocator/reference.ts.
 */
export function fitFirst(
  room: usize,
  roomStrideBytes: usize,
  nodeCount: i32,
  columnCount: i32,
  needs: usize,
  needCount: i32,
  out: usize,
): void {
  for (let n: i32 = 0; n < needCount; ++n) {
    const need = needs + ((<usize>(n * columnCount)) << 2);
    let found: i32 = -1;
    for (let node: i32 = 0; node < nodeCount; node += 4) {
      let ok = feasible(room + ((<usize>node) << 2), roomStrideBytes, need, columnCount);
      if (node + 4 > nodeCount) ok = v128.and(ok, firstLanes(nodeCount - node));
      if (v128.any_true(ok)) {
        found = node + ctz(i32x4.bitmask(ok));
        break;
      }
    }
    store<i32>(out + ((<usize>n) << 2), found);
  }
}

/**
 * Finds, for each need, the node it fits that keeps the least room: the least
 * sum over columns of weight * (room - need), added in column order.
 *
 *   room     f32[columnCount][roomStrideBytes / 4]  read; rows hold whole vectors of 4 nodes
 *   needs    f32[needCount][columnCount]            read
 *   weights  f32[columnCount]                       read, >= 0
 *   out      i32[needCount]                         written: node index, -1 if none fits
 *
 * Regions must not overlap. NaN never fits; a leftover that is NaN (0 * infinity) counts as
 * infinite. Ties go to the lowest index. Reference: `fitBestReference`.
 */
export function fitBest(
  room: usize,
  roomStrideBytes: usize,
  nodeCount: i32,
  columnCount: i32,
  needs: usize,
  needCount: i32,
  weights: usize,
  out: usize,
): void {
  for (let n: i32 = 0; n < needCount; ++n) {
    const need = needs + ((<usize>(n * columnCount)) << 2);
    const best = bestNode(room, roomStrideBytes, nodeCount, columnCount, need, weights);
    store<i32>(out + ((<usize>n) << 2), best);
  }
}

function bestNode(
  room: usize,
  stride: usize,
  nodeCount: i32,
  columnCount: i32,
  need: usize,
  weights: usize,
): i32 {
  const infinite = f32x4.splat(Infinity);
  let bestScore = infinite;
  let bestIndex = i32x4.splat(-1);
  let index = i32x4(0, 1, 2, 3);
  for (let node: i32 = 0; node < nodeCount; node += 4) {
    const at = room + ((<usize>node) << 2);
    let ok = feasible(at, stride, need, columnCount);
    if (node + 4 > nodeCount) ok = v128.and(ok, firstLanes(nodeCount - node));
    if (v128.any_true(ok)) {
      const raw = leftover(at, stride, need, weights, columnCount);
      const score = v128.bitselect(raw, infinite, f32x4.eq(raw, raw));
      // Strictly less keeps the lower index within a lane; index < 0 takes an infinite first one.
      const better = v128.or(f32x4.lt(score, bestScore), i32x4.shr_s(bestIndex, 31));
      const take = v128.and(ok, better);
      bestScore = v128.bitselect(score, bestScore, take);
      bestIndex = v128.bitselect(index, bestIndex, take);
    }
    index = i32x4.add(index, i32x4.splat(4));
  }
  let best = i32x4.extract_lane(bestIndex, 0);
  let score = f32x4.extract_lane(bestScore, 0);
  for (let lane: i32 = 1; lane < 4; ++lane) {
    // The lane index of extract_lane must be a constant, so the vector turns instead.
    bestIndex = i32x4.shuffle(bestIndex, bestIndex, 1, 2, 3, 0);
    bestScore = i32x4.shuffle(bestScore, bestScore, 1, 2, 3, 0);
    const otherIndex = i32x4.extract_lane(bestIndex, 0);
    const other = f32x4.extract_lane(bestScore, 0);
    if (otherIndex >= 0 && (best < 0 || other < score || (other === score && otherIndex < best))) {
      best = otherIndex;
      score = other;
    }
  }
  return best;
}

function leftover(at: usize, stride: usize, need: usize, weights: usize, columnCount: i32): v128 {
  let sum = f32x4.splat(0.0);
  for (let column: i32 = 0; column < columnCount; ++column) {
    const rest = f32x4.sub(v128.load(at), v128.load32_splat(need));
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(weights), rest));
    at += stride;
    need += 4;
    weights += 4;
  }
  return sum;
}
