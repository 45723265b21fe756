/** Single lanes of a tile: where their bytes are, and clearing them. */
import {
  ENVELOPE_ROWS,
  HISTOGRAM_SLOTS,
  HOUR_SLOTS,
  KEEP_ROWS,
  LANE_ROW_BYTES,
  RECENT_SLOTS,
  RESOURCE_ROW_BYTES,
  RESOURCES,
  TILE_CAP,
  TILE_COUNT,
  TILE_HIDDEN,
  TILE_HISTOGRAM,
  TILE_HISTOGRAM_BASE,
  TILE_HOUR_MAX,
  TILE_LANES,
  TILE_LAST_TIME,
  TILE_PAST,
  TILE_RECENT_MAX,
  TIME_ROW_BYTES,
} from "./abi.js";
import { envelopeOffset, hiddenOffset, keepOffset, type ProfilerPlan } from "./plan.js";
import type { BoundViews } from "./views.js";

/** Rows of a tile: where they start, bytes of a whole row, how many. */
type RowGroup = readonly [offset: number, rowBytes: number, rowCount: number];

const BYTE_SLOT_BYTES = TILE_LANES * RESOURCES.length;

function rowGroups(plan: ProfilerPlan): readonly RowGroup[] {
  return [
    [TILE_LAST_TIME, TIME_ROW_BYTES, (TILE_COUNT - TILE_LAST_TIME) / TIME_ROW_BYTES],
    [TILE_COUNT, LANE_ROW_BYTES, (TILE_CAP - TILE_COUNT) / LANE_ROW_BYTES],
    [TILE_CAP, RESOURCE_ROW_BYTES, (TILE_HISTOGRAM_BASE - TILE_CAP) / RESOURCE_ROW_BYTES],
    // And the surge before.
    [TILE_HISTOGRAM_BASE, BYTE_SLOT_BYTES, 2],
    [TILE_RECENT_MAX, BYTE_SLOT_BYTES, RECENT_SLOTS],
    [TILE_HOUR_MAX, BYTE_SLOT_BYTES, HOUR_SLOTS],
    [TILE_HISTOGRAM, BYTE_SLOT_BYTES * 2, HISTOGRAM_SLOTS],
    [TILE_PAST, RESOURCE_ROW_BYTES, 1],
    [TILE_HIDDEN, LANE_ROW_BYTES, (plan.tileBytes - TILE_HIDDEN) / LANE_ROW_BYTES],
  ];
}

/** Everything of one lane as published: state, and the buffers that readers use. */
export function publishedLane(views: BoundViews, plan: ProfilerPlan, slot: number): Uint8Array {
  const { u8, u32 } = views;
  const base = tilePtr(plan, slot >>> 3);
  const parity = (u32[plan.epochs.ptr / 4 + (slot >>> 3)] ?? 0) & 1;
  const stateGroups = rowGroups(plan).filter(([offset]) => offset < TILE_HIDDEN);
  const groups: RowGroup[] = [
    ...stateGroups,
    [hiddenOffset(plan, parity), LANE_ROW_BYTES, plan.hiddenSize],
    [envelopeOffset(plan, parity), LANE_ROW_BYTES, ENVELOPE_ROWS],
    [keepOffset(plan, parity), LANE_ROW_BYTES, KEEP_ROWS],
  ];
  const bytes: number[] = [];
  for (const [offset, rowBytes, rowCount] of groups) {
    const laneBytes = rowBytes / TILE_LANES;
    for (let row = 0; row < rowCount; row++) {
      const at = base + offset + row * rowBytes + (slot & 7) * laneBytes;
      bytes.push(...u8.subarray(at, at + laneBytes));
    }
  }
  return Uint8Array.from(bytes);
}

export function tilePtr(plan: ProfilerPlan, tile: number): number {
  return plan.state.ptr + tile * plan.tileBytes;
}

/** Zeroes everything of one slot, both buffers included; the other lanes keep their bytes. */
export function clearLane(views: BoundViews, plan: ProfilerPlan, slot: number): void {
  const { u32 } = views;
  const base = tilePtr(plan, slot >>> 3) / 4;
  const lane = slot & 7;
  for (const [offset, rowBytes, rowCount] of rowGroups(plan)) {
    const laneWords = rowBytes / TILE_LANES / 4;
    const rowWords = rowBytes / 4;
    let word = base + offset / 4 + lane * laneWords;
    for (let row = 0; row < rowCount; row++, word += rowWords) {
      for (let each = 0; each < laneWords; each++) u32[word + each] = 0;
    }
  }
}
