/** What the host itself writes into a slot's lane. */
import {
  PAST_BYTES,
  PAST_JOB_TYPE,
  RESOURCE_COUNT,
  RESOURCES,
  TILE_CAP,
  TILE_INTERRUPTIONS,
  TILE_OUTAGE,
  TILE_PAST,
} from "../core/abi.js";
import type { ProfilerPlan } from "../core/plan.js";
import { tilePtr } from "../core/tile-lanes.js";
import type { BoundViews } from "../core/views.js";
import { present } from "../lib/assert.js";
import { jobTypeCodes } from "../model/job-type.js";
import type { ResourceAmounts } from "../sources/sample.js";

/** What registration says about a slot: hard caps (NaN = none), job type, outage of the tick. */
export function writeIdentity(
  views: BoundViews,
  plan: ProfilerPlan,
  slot: number,
  identity: {
    readonly limits?: ResourceAmounts | undefined;
    readonly jobType?: string | undefined;
    readonly outageMinutes: number;
  },
): void {
  const { f32, u8 } = views;
  const base = tilePtr(plan, slot >>> 3);
  const lane = slot & 7;
  const caps = (base + TILE_CAP) / 4 + lane * RESOURCE_COUNT;
  for (let index = 0; index < RESOURCE_COUNT; index++) {
    f32[caps + index] = identity.limits?.[present(RESOURCES[index], "resource")] ?? Number.NaN;
  }
  f32[(base + TILE_OUTAGE) / 4 + lane] = identity.outageMinutes;
  u8.set(jobTypeCodes(identity.jobType), base + TILE_PAST + lane * PAST_BYTES + PAST_JOB_TYPE);
}

export function writeInterruptions(
  views: BoundViews,
  plan: ProfilerPlan,
  slot: number,
  count: number,
): void {
  const word = (tilePtr(plan, slot >>> 3) + TILE_INTERRUPTIONS) / 4 + (slot & 7);
  views.f32[word] = count;
}
