/**
 * Blocks: four neighbouring rows of a tile while they are made, f32[8 lanes][4] instead of
 * f32[4][8]. A lane writes its four values with one store, and what all lanes have in common runs
 * over the whole block. A block is as long as its four rows, so turning it needs no room.
 */

import { TILE_LANES } from "../layout";

/** Bytes of a block of a whole tile. */
export const BLOCK_BYTES: usize = <usize>(TILE_LANES * 16);

/** f32[8 lanes][4] to f32[4][8 lanes], in place, each block from one address to another. */
export function turnBlocks(at: usize, end: usize): void {
  do {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const e = v128.load(at, 64);
    const f = v128.load(at, 80);
    const g = v128.load(at, 96);
    const h = v128.load(at, 112);
    const ab = lower(a, b);
    const cd = lower(c, d);
    const ef = lower(e, f);
    const gh = lower(g, h);
    v128.store(at, firstOf(ab, cd));
    v128.store(at, firstOf(ef, gh), 16);
    v128.store(at, secondOf(ab, cd), 32);
    v128.store(at, secondOf(ef, gh), 48);
    const ab2 = upper(a, b);
    const cd2 = upper(c, d);
    const ef2 = upper(e, f);
    const gh2 = upper(g, h);
    v128.store(at, firstOf(ab2, cd2), 64);
    v128.store(at, firstOf(ef2, gh2), 80);
    v128.store(at, secondOf(ab2, cd2), 96);
    v128.store(at, secondOf(ef2, gh2), 112);
    at += BLOCK_BYTES;
  } while (at < end);
}

/** a0 b0 a1 b1 */
function lower(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}

/** a2 b2 a3 b3 */
function upper(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}

/** The first two of each. */
export function firstOf(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}

/** The last two of each. */
function secondOf(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}
