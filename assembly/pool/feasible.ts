/**
 * Which of four nodes fit a need: the one comparison every fit kernel is made of.
 *
 * A room table is structure-of-arrays: one row a column, four nodes a vector. `need <= room` is
 * false for NaN on either side, so NaN never fits, and -0 equals 0.
 */

/** All-ones in the first `rest` lanes, 0 <= rest <= 4. */
export function firstLanes(rest: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(rest));
}

/**
 * All-ones where the node has room in every column.
 *
 *   room  f32[columnCount][stride]  read at `at`, 4 nodes
 *   need  f32[columnCount]          read
 */
export function feasible(at: usize, strideBytes: usize, need: usize, columnCount: i32): v128 {
  let ok = i32x4.splat(-1);
  let column: i32 = 0;
  // Four columns a turn: the loop's own cost would otherwise equal that of the comparison.
  for (; column + 4 <= columnCount; column += 4) {
    const second = at + strideBytes;
    const third = second + strideBytes;
    const fourth = third + strideBytes;
    const a = f32x4.le(v128.load32_splat(need), v128.load(at));
    const b = f32x4.le(v128.load32_splat(need, 4), v128.load(second));
    const c = f32x4.le(v128.load32_splat(need, 8), v128.load(third));
    const d = f32x4.le(v128.load32_splat(need, 12), v128.load(fourth));
    ok = v128.and(ok, v128.and(v128.and(a, b), v128.and(c, d)));
    at = fourth + strideBytes;
    need += 16;
  }
  for (; column < columnCount; ++column) {
    ok = v128.and(ok, f32x4.le(v128.load32_splat(need), v128.load(at)));
    at += strideBytes;
    need += 4;
  }
  return ok;
}

/** Sum of the four i32 lanes. */
export function laneSum(lanes: v128): i32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  );
}
