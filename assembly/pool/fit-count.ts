import { feasible, firstLanes, laneSum } from "./feasible";

/** Bytes of room that stay in the first-level cache while all needs pass over them. */
const BLOCK_BYTES: i32 = 24576;

/**
 * Counts, for each need, the nodes that fit it.
 *
 *   room   f32[columnCount][roomStrideBytes / 4]  read; rows hold whole vectors of 4 nodes
 *   needs  f32[needCount][columnCount]            read
 *   out    u32[needCount]                         written
 *
 * Regions must not overlap. NaN never fits. Padding nodes beyond `nodeCount` are read, not counted.
 * Several needs stay in registers while a block of nodes is in the first-level cache.
 * Reference: `fitCountReference`, host/allocator/reference.ts.
 */
export function fitCount(
  room: usize,
  roomStrideBytes: usize,
  nodeCount: i32,
  columnCount: i32,
  needs: usize,
  needCount: i32,
  out: usize,
): void {
  const needBytes = (<usize>columnCount) << 2;
  const vectorCount = nodeCount >> 2;
  const tailAt = room + ((<usize>vectorCount) << 4);
  const rest = nodeCount & 3;
  for (let n: i32 = 0; n < needCount; ++n) {
    let count: i32 = 0;
    if (rest > 0) {
      const ok = feasible(tailAt, roomStrideBytes, needs + <usize>n * needBytes, columnCount);
      count = -laneSum(v128.and(ok, firstLanes(rest)));
    }
    store<i32>(out + ((<usize>n) << 2), count);
  }
  const block = max(1, BLOCK_BYTES / (columnCount << 4));
  for (let first: i32 = 0; first < vectorCount; first += block) {
    const count = min(block, vectorCount - first);
    const at = room + ((<usize>first) << 4);
    countBlock(at, roomStrideBytes, count, columnCount, needs, needCount, out);
  }
}

function countBlock(
  at: usize,
  stride: usize,
  vectorCount: i32,
  columnCount: i32,
  needs: usize,
  needCount: i32,
  out: usize,
): void {
  const needBytes = (<usize>columnCount) << 2;
  let n: i32 = 0;
  for (; n + 2 <= needCount; n += 2) {
    const need = needs + <usize>n * needBytes;
    const slot = out + ((<usize>n) << 2);
    if (columnCount === 4) countTwoOfFour(at, stride, vectorCount, need, slot);
    else countTwo(at, stride, vectorCount, need, needBytes, slot);
  }
  for (; n < needCount; ++n) {
    const need = needs + <usize>n * needBytes;
    const count =
      columnCount === 4
        ? countOneOfFour(at, stride, vectorCount, need)
        : countOne(at, stride, vectorCount, need, columnCount);
    const slot = out + ((<usize>n) << 2);
    store<i32>(slot, load<i32>(slot) + count);
  }
}

/** Two needs of four columns: eight splats, two masks and two counts fill the registers. */
function countTwoOfFour(
  at0: usize,
  stride: usize,
  vectorCount: i32,
  need: usize,
  out: usize,
): void {
  const a0 = v128.load32_splat(need);
  const a1 = v128.load32_splat(need, 4);
  const a2 = v128.load32_splat(need, 8);
  const a3 = v128.load32_splat(need, 12);
  const b0 = v128.load32_splat(need, 16);
  const b1 = v128.load32_splat(need, 20);
  const b2 = v128.load32_splat(need, 24);
  const b3 = v128.load32_splat(need, 28);
  let countA = i32x4.splat(0);
  let countB = i32x4.splat(0);
  let at1 = at0 + stride;
  let at2 = at1 + stride;
  let at3 = at2 + stride;
  const end = at0 + ((<usize>vectorCount) << 4);
  while (at0 < end) {
    let room = v128.load(at0);
    let okA = f32x4.le(a0, room);
    let okB = f32x4.le(b0, room);
    room = v128.load(at1);
    okA = v128.and(okA, f32x4.le(a1, room));
    okB = v128.and(okB, f32x4.le(b1, room));
    room = v128.load(at2);
    okA = v128.and(okA, f32x4.le(a2, room));
    okB = v128.and(okB, f32x4.le(b2, room));
    room = v128.load(at3);
    countA = i32x4.sub(countA, v128.and(okA, f32x4.le(a3, room)));
    countB = i32x4.sub(countB, v128.and(okB, f32x4.le(b3, room)));
    at0 += 16;
    at1 += 16;
    at2 += 16;
    at3 += 16;
  }
  store<i32>(out, load<i32>(out) + laneSum(countA));
  store<i32>(out, load<i32>(out, 4) + laneSum(countB), 4);
}

/**
 * Two needs against four vectors at a time: eight masks stay in registers, each load of room serves
 * two comparisons and each splat four. A need alone keeps its splats instead, and loads every room.
 */
function countTwo(
  at: usize,
  stride: usize,
  vectorCount: i32,
  need: usize,
  needBytes: usize,
  out: usize,
): void {
  const needEnd = need + needBytes;
  const end = at + ((<usize>vectorCount) << 4);
  let countA = i32x4.splat(0);
  let countB = i32x4.splat(0);
  for (; at + 64 <= end; at += 64) {
    let a0 = i32x4.splat(-1);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let row = at;
    let first = need;
    let second = needEnd;
    do {
      const a = v128.load32_splat(first);
      const b = v128.load32_splat(second);
      let room = v128.load(row);
      a0 = v128.and(a0, f32x4.le(a, room));
      b0 = v128.and(b0, f32x4.le(b, room));
      room = v128.load(row, 16);
      a1 = v128.and(a1, f32x4.le(a, room));
      b1 = v128.and(b1, f32x4.le(b, room));
      room = v128.load(row, 32);
      a2 = v128.and(a2, f32x4.le(a, room));
      b2 = v128.and(b2, f32x4.le(b, room));
      room = v128.load(row, 48);
      a3 = v128.and(a3, f32x4.le(a, room));
      b3 = v128.and(b3, f32x4.le(b, room));
      row += stride;
      first += 4;
      second += 4;
    } while (first < needEnd);
    countA = i32x4.sub(countA, i32x4.add(i32x4.add(a0, a1), i32x4.add(a2, a3)));
    countB = i32x4.sub(countB, i32x4.add(i32x4.add(b0, b1), i32x4.add(b2, b3)));
  }
  const columnCount = <i32>(needBytes >> 2);
  for (; at < end; at += 16) {
    countA = i32x4.sub(countA, feasible(at, stride, need, columnCount));
    countB = i32x4.sub(countB, feasible(at, stride, needEnd, columnCount));
  }
  store<i32>(out, load<i32>(out) + laneSum(countA));
  store<i32>(out, load<i32>(out, 4) + laneSum(countB), 4);
}

function countOneOfFour(at0: usize, stride: usize, vectorCount: i32, need: usize): i32 {
  const n0 = v128.load32_splat(need);
  const n1 = v128.load32_splat(need, 4);
  const n2 = v128.load32_splat(need, 8);
  const n3 = v128.load32_splat(need, 12);
  let count = i32x4.splat(0);
  let at1 = at0 + stride;
  let at2 = at1 + stride;
  let at3 = at2 + stride;
  // Two vectors a turn while they last.
  const endPair = at0 + ((<usize>(vectorCount & ~1)) << 4);
  const end = at0 + ((<usize>vectorCount) << 4);
  while (at0 < endPair) {
    const a = v128.and(f32x4.le(n0, v128.load(at0)), f32x4.le(n1, v128.load(at1)));
    const b = v128.and(f32x4.le(n2, v128.load(at2)), f32x4.le(n3, v128.load(at3)));
    const c = v128.and(f32x4.le(n0, v128.load(at0, 16)), f32x4.le(n1, v128.load(at1, 16)));
    const d = v128.and(f32x4.le(n2, v128.load(at2, 16)), f32x4.le(n3, v128.load(at3, 16)));
    count = i32x4.sub(count, v128.and(a, b));
    count = i32x4.sub(count, v128.and(c, d));
    at0 += 32;
    at1 += 32;
    at2 += 32;
    at3 += 32;
  }
  if (at0 < end) {
    const a = v128.and(f32x4.le(n0, v128.load(at0)), f32x4.le(n1, v128.load(at1)));
    const b = v128.and(f32x4.le(n2, v128.load(at2)), f32x4.le(n3, v128.load(at3)));
    count = i32x4.sub(count, v128.and(a, b));
  }
  return laneSum(count);
}

/**
 * One need against four vectors at a time, column by column: each splat serves four comparisons. Twelve
 * splats kept in registers leave none for the loads, and were spilled: .82 times as fast.
 */
function countOne(at: usize, stride: usize, vectorCount: i32, need: usize, columnCount: i32): i32 {
  const needEnd = need + ((<usize>columnCount) << 2);
  const end = at + ((<usize>vectorCount) << 4);
  let count = i32x4.splat(0);
  for (; at + 64 <= end; at += 64) {
    const first = v128.load32_splat(need);
    let a = f32x4.le(first, v128.load(at));
    let b = f32x4.le(first, v128.load(at, 16));
    let c = f32x4.le(first, v128.load(at, 32));
    let d = f32x4.le(first, v128.load(at, 48));
    let row = at + stride;
    for (let column = need + 4; column < needEnd; column += 4) {
      const needed = v128.load32_splat(column);
      a = v128.and(a, f32x4.le(needed, v128.load(row)));
      b = v128.and(b, f32x4.le(needed, v128.load(row, 16)));
      c = v128.and(c, f32x4.le(needed, v128.load(row, 32)));
      d = v128.and(d, f32x4.le(needed, v128.load(row, 48)));
      row += stride;
    }
    count = i32x4.sub(count, i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
  }
  for (; at < end; at += 16) count = i32x4.sub(count, feasible(at, stride, need, columnCount));
  return laneSum(count);
}
