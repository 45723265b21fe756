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
  const whole = nodeCount & ~15;
  let found = leastOfBlocks(room, roomStrideBytes, whole, columnCount, need, scores);
  for (let node = whole; node < nodeCount; node += 4) {
    const at = (<usize>node) << 2;
    let ok = f32x4.lt(v128.load(scores + at), f32x4.splat(scoreOf(scores, found)));
    if (node + 4 > nodeCount) ok = v128.and(ok, firstLanes(nodeCount - node));
    if (!v128.any_true(ok)) continue;
    ok = v128.and(ok, feasible(room + at, roomStrideBytes, need, columnCount));
    found = leastLane(scores, node, i32x4.bitmask(ok), found);
  }
  return found;
}

/**
 * Sixteen nodes a turn, since rows are far from one another; after every four columns it looks whether
 * any of them is still in question.
 */
function leastOfBlocks(
  room: usize,
  stride: usize,
  nodeCount: i32,
  columnCount: i32,
  need: usize,
  scores: usize,
): i32 {
  const needEnd = need + ((<usize>columnCount) << 2);
  let found: i32 = -1;
  let best = f32x4.splat(Infinity);
  for (let node: i32 = 0; node < nodeCount; node += 16) {
    const at = (<usize>node) << 2;
    const score = scores + at;
    let a = f32x4.lt(v128.load(score), best);
    let b = f32x4.lt(v128.load(score, 16), best);
    let c = f32x4.lt(v128.load(score, 32), best);
    let d = f32x4.lt(v128.load(score, 48), best);
    let row = room + at;
    let column = need;
    while (column < needEnd && v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) {
      const stop = min(column + 16, needEnd);
      do {
        const needed = v128.load32_splat(column);
        a = v128.and(a, f32x4.le(needed, v128.load(row)));
        b = v128.and(b, f32x4.le(needed, v128.load(row, 16)));
        c = v128.and(c, f32x4.le(needed, v128.load(row, 32)));
        d = v128.and(d, f32x4.le(needed, v128.load(row, 48)));
        row += stride;
        column += 4;
      } while (column < stop);
    }
    const low = i32x4.bitmask(a) | (i32x4.bitmask(b) << 4);
    const lanes = low | (i32x4.bitmask(c) << 8) | (i32x4.bitmask(d) << 12);
    if (lanes === 0) continue;
    found = leastLane(scores, node, lanes, found);
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
