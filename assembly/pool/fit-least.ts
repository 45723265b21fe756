import { feasible, firstLanes } from "./feasible";

/**
 * Finds the node of least score among those that fit a need.
 *
 *   room    f32[columnCount][roomStrideBytes / 4]  read; rows hold whole vectors of 4 nodes
 *   need    f32[columnCount]                       read
 *   scores  f32[roomStrideBytes / 4]               read
 *
 * Returns the node's index, -1 if none. Ties go to the lowest index. NaN never fits; a node whose
 * score is NaN or infinite is left out. A score of sum over columns of weight * room gives what
 * `fitBest` gives, but its sum is taken when room changes, not when it is asked for. Room is read
 * only where the score is below the best so far, so that a question costs one row when many fit.
 * Reference: `fitLeastReference`, host/allocator/reference.ts.
 */
export function fitLeast(
  room: usize,
  roomStrideBytes: usize,
  nodeCount: i32,
  columnCount: i32,
  need: usize,
  scores: usize,
): i32 {
  const pairs = columnCount === 12 ? nodeCount & ~7 : 0;
  let found: i32 = pairs > 0 ? leastOfTwelve(room, roomStrideBytes, pairs, need, scores) : -1;
  for (let node = pairs; node < nodeCount; node += 4) {
    const at = (<usize>node) << 2;
    let ok = f32x4.lt(v128.load(scores + at), f32x4.splat(scoreOf(scores, found)));
    if (node + 4 > nodeCount) ok = v128.and(ok, firstLanes(nodeCount - node));
    if (!v128.any_true(ok)) continue;
    ok = v128.and(ok, feasible(room + at, roomStrideBytes, need, columnCount));
    found = leastLane(scores, node, i32x4.bitmask(ok), found);
  }
  return found;
}

/** Twelve splats fill the registers; eight nodes a turn, since rows are far from one another. */
function leastOfTwelve(at: usize, stride: usize, nodeCount: i32, need: usize, scores: usize): i32 {
  const n0 = v128.load32_splat(need);
  const n1 = v128.load32_splat(need, 4);
  const n2 = v128.load32_splat(need, 8);
  const n3 = v128.load32_splat(need, 12);
  const n4 = v128.load32_splat(need, 16);
  const n5 = v128.load32_splat(need, 20);
  const n6 = v128.load32_splat(need, 24);
  const n7 = v128.load32_splat(need, 28);
  const n8 = v128.load32_splat(need, 32);
  const n9 = v128.load32_splat(need, 36);
  const n10 = v128.load32_splat(need, 40);
  const n11 = v128.load32_splat(need, 44);
  let found: i32 = -1;
  let best = f32x4.splat(Infinity);
  for (let node: i32 = 0; node < nodeCount; node += 8) {
    const score = scores + ((<usize>node) << 2);
    let a = f32x4.lt(v128.load(score), best);
    let b = f32x4.lt(v128.load(score, 16), best);
    if (!v128.any_true(v128.or(a, b))) continue;
    let row = at + ((<usize>node) << 2);
    a = v128.and(a, f32x4.le(n0, v128.load(row)));
    b = v128.and(b, f32x4.le(n0, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n1, v128.load(row)));
    b = v128.and(b, f32x4.le(n1, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n2, v128.load(row)));
    b = v128.and(b, f32x4.le(n2, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n3, v128.load(row)));
    b = v128.and(b, f32x4.le(n3, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n4, v128.load(row)));
    b = v128.and(b, f32x4.le(n4, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n5, v128.load(row)));
    b = v128.and(b, f32x4.le(n5, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n6, v128.load(row)));
    b = v128.and(b, f32x4.le(n6, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n7, v128.load(row)));
    b = v128.and(b, f32x4.le(n7, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n8, v128.load(row)));
    b = v128.and(b, f32x4.le(n8, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n9, v128.load(row)));
    b = v128.and(b, f32x4.le(n9, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n10, v128.load(row)));
    b = v128.and(b, f32x4.le(n10, v128.load(row, 16)));
    row += stride;
    a = v128.and(a, f32x4.le(n11, v128.load(row)));
    b = v128.and(b, f32x4.le(n11, v128.load(row, 16)));
    if (!v128.any_true(v128.or(a, b))) continue;
    found = leastLane(scores, node, i32x4.bitmask(a) | (i32x4.bitmask(b) << 4), found);
    best = f32x4.splat(scoreOf(scores, found));
  }
  return found;
}

/** Of the best so far and the nodes whose bits are set, the one of least score, the lowest first. */
function leastLane(scores: usize, node: i32, lanes: i32, found: i32): i32 {
  let best = scoreOf(scores, found);
  while (lanes !== 0) {
    const index = node + ctz(lanes);
    const score = scoreOf(scores, index);
    if (score < best) {
      best = score;
      found = index;
    }
    lanes &= lanes - 1;
  }
  return found;
}

function scoreOf(scores: usize, node: i32): f32 {
  return node < 0 ? Infinity : load<f32>(scores + ((<usize>node) << 2));
}
