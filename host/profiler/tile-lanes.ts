import {
  HISTOGRAM_SLOTS,
  HOUR_SLOTS,
  LANE_ROW_BYTES,
  RECENT_SLOTS,
  RESOURCE_ROW_BYTES,
  RESOURCES,
  TILE_CAP,
  TILE_COUNT,
  TILE_HIDDEN,
  TILE_HISTOGRAM,
  TILE_HOUR_MAX,
  TILE_INTERRUPTIONS,
  TILE_LANES,
  TILE_LAST_TIME,
  TILE_OUTAGE,
  TILE_RECENT_MAX,
  TIME_ROW_BYTES,
} from "../core/abi.js";
import type { ProfilerPlan } from "../core/plan.js";
import type { CoreViews } from "../core/views.js";
import type { ResourceAmounts } from "../sources/sample.js";

/** Rows of a tile: where they start, bytes of a whole row, how many. */
type RowGroup = readonly [offset: number, rowBytes: number, rowCount: number];

const BYTE_SLOT_BYTES = TILE_LANES * RESOURCES.length;

function rowGroups(plan: ProfilerPlan): readonly RowGroup[] {
  return [
    [TILE_LAST_TIME, TIME_ROW_BYTES, (TILE_COUNT - TILE_LAST_TIME) / TIME_ROW_BYTES],
    [TILE_COUNT, LANE_ROW_BYTES, (TILE_CAP - TILE_COUNT) / LANE_ROW_BYTES],
    [TILE_CAP, RESOURCE_ROW_BYTES, (TILE_RECENT_MAX - TILE_CAP) / RESOURCE_ROW_BYTES],
    [TILE_RECENT_MAX, BYTE_SLOT_BYTES, RECENT_SLOTS],
    [TILE_HOUR_MAX, BYTE_SLOT_BYTES, HOUR_SLOTS],
    [TILE_HISTOGRAM, BYTE_SLOT_BYTES * 2, HISTOGRAM_SLOTS],
    [TILE_HIDDEN, LANE_ROW_BYTES, (plan.tileBytes - TILE_HIDDEN) / LANE_ROW_BYTES],
  ];
}

export function tilePtr(plan: ProfilerPlan, tile: number): number {
  return plan.state.ptr + tile * plan.tileBytes;
}

/** Zeroes everything of one slot, both buffers included; the other lanes keep their bytes. */
export function clearLane(views: CoreViews, plan: ProfilerPlan, slot: number): void {
  const { u8 } = views;
  const base = tilePtr(plan, slot >>> 3);
  const lane = slot & 7;
  for (const [offset, rowBytes, rowCount] of rowGroups(plan)) {
    const laneBytes = rowBytes / TILE_LANES;
    for (let row = 0; row < rowCount; row++) {
      const at = base + offset + row * rowBytes + lane * laneBytes;
      u8.fill(0, at, at + laneBytes);
    }
  }
}

/** What registration says about a slot: hard caps (NaN = none) and the outage of the tick. */
export function writeIdentity(
  views: CoreViews,
  plan: ProfilerPlan,
  slot: number,
  identity: { readonly limits?: ResourceAmounts | undefined; readonly outageMinutes: number },
): void {
  const { f32 } = views;
  const base = tilePtr(plan, slot >>> 3);
  const lane = slot & 7;
  const caps = (base + TILE_CAP) / 4 + lane * RESOURCES.length;
  for (const [index, resource] of RESOURCES.entries()) {
    f32[caps + index] = identity.limits?.[resource] ?? Number.NaN;
  }
  f32[(base + TILE_OUTAGE) / 4 + lane] = identity.outageMinutes;
}

export function writeInterruptions(
  views: CoreViews,
  plan: ProfilerPlan,
  slot: number,
  count: number,
): void {
  const word = (tilePtr(plan, slot >>> 3) + TILE_INTERRUPTIONS) / 4 + (slot & 7);
  views.f32[word] = count;
}
