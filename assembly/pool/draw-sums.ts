/** The largest of three rows at one place; two draws. */
function largest(a: usize, b: usize, c: usize, at: usize): v128 {
  const two = f64x2.max(v128.load(a + at), v128.load(b + at));
  return f64x2.max(two, v128.load(c + at));
}

function addRows(sums: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  if (a === b && b === c) {
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(sums + at, f64x2.add(v128.load(sums + at), v128.load(a + at)));
    }
    return;
  }
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(sums + at, f64x2.add(v128.load(sums + at), largest(a, b, c, at)));
  }
}

function takeRows(sums: usize, a: usize, b: usize, c: usize, bytes: usize): void {
  if (a === b && b === c) {
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(sums + at, f64x2.sub(v128.load(sums + at), v128.load(a + at)));
    }
    return;
  }
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(sums + at, f64x2.sub(v128.load(sums + at), largest(a, b, c, at)));
  }
}

/**
 * Moves the sums of a pool's draws from one set of members to another: each change takes a member's
 * rows off, adds its rows, or does both where it goes on with others.
 *
 *   changes  i32[changeCount][6]  read: addresses of three rows that are taken off, of three that
 *                                 are added; a member counts with the largest of its three, draw
 *                                 by draw (they may be one); 0 as the first of three: none
 *   sums     f64[drawCount]       read, written
 *
 * A row is `f64[drawCount]`, 16-byte aligned, `drawCount` a multiple of 4. Draws that are multiples
 * of 2^-10 make sums that do not depend on the way by which a set of members was reached. A NaN
 * draw stays in its sum. `sums` must not overlap a row. Reference: the plain sum in
 * `test/pool/draws.test.ts`.
 */
export function moveSums(changes: usize, changeCount: i32, drawCount: i32, sums: usize): void {
  const bytes = (<usize>drawCount) << 3;
  for (let change: i32 = 0; change < changeCount; ++change) {
    const from = <usize>load<u32>(changes);
    const to = <usize>load<u32>(changes, 12);
    if (from !== 0) {
      takeRows(sums, from, <usize>load<u32>(changes, 4), <usize>load<u32>(changes, 8), bytes);
    }
    if (to !== 0) {
      addRows(sums, to, <usize>load<u32>(changes, 16), <usize>load<u32>(changes, 20), bytes);
    }
    changes += 24;
  }
}
