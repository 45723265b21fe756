/** Maxima over windows of clock time, from the rings of an instance. Codes are four bytes a word. */

import {
  HOUR_SLOTS,
  LANE_ROW_BYTES,
  RECENT_SLOTS,
  TILE_HOUR_MAX,
  TILE_RECENT_MAX,
} from "../layout";

const DAY_HOURS: i32 = 24;

/** Every slot of the 5-minute ring; it reaches back an hour from the last sample. */
export function recentMaximum(tile: usize, lane: i32): v128 {
  const ring = tile + TILE_RECENT_MAX + (lane << 2);
  let codes = i32x4.splat(0);
  for (let slot = 0; slot < RECENT_SLOTS; slot++) {
    codes = i8x16.max_u(codes, v128.load32_zero(ring + slot * LANE_ROW_BYTES));
  }
  return codes;
}

/** The last 24 clock hours, ending with that of the last sample. */
export function dayMaximum(tile: usize, lane: i32, lastSlot: i32): v128 {
  const ring = tile + TILE_HOUR_MAX + (lane << 2);
  let codes = i32x4.splat(0);
  let slot = lastSlot;
  for (let back = 0; back < DAY_HOURS; back++) {
    codes = i8x16.max_u(codes, v128.load32_zero(ring + slot * LANE_ROW_BYTES));
    slot = slot === 0 ? HOUR_SLOTS - 1 : slot - 1;
  }
  return codes;
}

/** The whole week, lanes 0-3 (`half` 0) or 4-7 (`half` 1) of a tile at once: u8[4 lanes][4]. */
export function weekMaximum(tile: usize, half: i32): v128 {
  const ring = tile + TILE_HOUR_MAX + (half << 4);
  let codes = i32x4.splat(0);
  for (let slot = 0; slot < HOUR_SLOTS; slot++) {
    codes = i8x16.max_u(codes, v128.load(ring + slot * LANE_ROW_BYTES));
  }
  return codes;
}

/** Codes of the clock hour `age` hours before that of the last sample; 0 outside the ring. */
function hourCodes(tile: usize, lane: i32, age: i32, lastSlot: i32): v128 {
  if (age < 0 || age >= HOUR_SLOTS) return i32x4.splat(0);
  const slot = lastSlot >= age ? lastSlot - age : lastSlot - age + HOUR_SLOTS;
  return v128.load32_zero(tile + TILE_HOUR_MAX + (lane << 2) + slot * LANE_ROW_BYTES);
}

/**
 * The clock hours that overlap [restart, restart + 1 h), `days` days earlier. They lie `firstAge`
 * and `secondAge` hours before the last sample's on the day itself, so both may be negative.
 */
export function clockWindow(
  tile: usize,
  lane: i32,
  days: i32,
  lastSlot: i32,
  firstAge: i32,
  secondAge: i32,
): v128 {
  const back = days * DAY_HOURS;
  return i8x16.max_u(
    hourCodes(tile, lane, firstAge + back, lastSlot),
    hourCodes(tile, lane, secondAge + back, lastSlot),
  );
}

/** Lower median of those of seven codes that are not 0, byte by byte; 0 when all are. */
export function medianOfSeven(
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  a4: v128,
  a5: v128,
  a6: v128,
): v128 {
  // A sorting network of 16 comparators; zeros come first.
  let t = i8x16.min_u(a0, a6);
  a6 = i8x16.max_u(a0, a6);
  a0 = t;
  t = i8x16.min_u(a2, a3);
  a3 = i8x16.max_u(a2, a3);
  a2 = t;
  t = i8x16.min_u(a4, a5);
  a5 = i8x16.max_u(a4, a5);
  a4 = t;
  t = i8x16.min_u(a0, a2);
  a2 = i8x16.max_u(a0, a2);
  a0 = t;
  t = i8x16.min_u(a1, a4);
  a4 = i8x16.max_u(a1, a4);
  a1 = t;
  t = i8x16.min_u(a3, a6);
  a6 = i8x16.max_u(a3, a6);
  a3 = t;
  t = i8x16.min_u(a0, a1);
  a1 = i8x16.max_u(a0, a1);
  a0 = t;
  t = i8x16.min_u(a2, a5);
  a5 = i8x16.max_u(a2, a5);
  a2 = t;
  t = i8x16.min_u(a3, a4);
  a4 = i8x16.max_u(a3, a4);
  a3 = t;
  t = i8x16.min_u(a1, a2);
  a2 = i8x16.max_u(a1, a2);
  a1 = t;
  t = i8x16.min_u(a4, a6);
  a6 = i8x16.max_u(a4, a6);
  a4 = t;
  t = i8x16.min_u(a2, a3);
  a3 = i8x16.max_u(a2, a3);
  a2 = t;
  t = i8x16.min_u(a4, a5);
  a5 = i8x16.max_u(a4, a5);
  a4 = t;
  t = i8x16.min_u(a1, a2);
  a2 = i8x16.max_u(a1, a2);
  a1 = t;
  t = i8x16.min_u(a3, a4);
  a4 = i8x16.max_u(a3, a4);
  a3 = t;
  t = i8x16.min_u(a5, a6);
  a6 = i8x16.max_u(a5, a6);
  a5 = t;
  const zero = i32x4.splat(0);
  let median = v128.bitselect(a4, a3, i8x16.eq(a1, zero));
  median = v128.bitselect(a5, median, i8x16.eq(a3, zero));
  return v128.bitselect(a6, median, i8x16.eq(a5, zero));
}
