/** From the state of a tile to its answers. */
import { ENVELOPE_ROWS, LANE_ROW_BYTES, SUMMARY_ROWS, TILE_CAP, TILE_SCALE } from "./abi.js";
import type { Kernel } from "./kernel.js";
import type { NetworkRegions } from "./network.js";
import type { ProfilerPlan } from "./plan.js";

export interface AnswerParts {
  readonly kernel: Kernel;
  readonly plan: ProfilerPlan;
  readonly network: NetworkRegions;
  /** Address of a scratch block that nobody else uses meanwhile. */
  readonly scratch: number;
}

export interface AnswerPlace {
  readonly state: number;
  readonly hidden: number;
  /** f32[48][8], written. */
  readonly envelope: number;
  /** f32[16][8], written; null when the keep-need is known already. */
  readonly keep: number | null;
  /** NaN = each lane's own. */
  readonly outageMinutes: number;
  /** Address of the offsets of the envelope, 0 = none; the plan's when absent. */
  readonly offsets?: number;
  /** When it is asked, seconds since 1970; each lane's last sample when absent. */
  readonly atSeconds?: number;
}

/**
 * From one tile's state and hidden state to its restart envelope and its keep-need, which is the
 * highest of the three phases of an envelope without outage. The same code answers in the tick and
 * on demand, so both give the same bits.
 */
export function computeAnswers(parts: AnswerParts, place: AnswerPlace): void {
  const { kernel, plan, scratch } = parts;
  const { scratchPlan } = plan;
  const quantiles = scratch + scratchPlan.quantiles;
  const quantileBytes = ENVELOPE_ROWS * LANE_ROW_BYTES;
  const { tileBytes } = plan;
  const { state, keep } = place;
  computeQuantiles(parts, place);
  const scale = state + TILE_SCALE;
  const cap = state + TILE_CAP;
  const offsets = place.offsets ?? plan.offsets.ptr;
  const still = scratch + scratchPlan.envelope;
  kernel.envelope(
    quantiles,
    quantileBytes,
    scale,
    tileBytes,
    cap,
    tileBytes,
    offsets,
    place.envelope,
    tileBytes,
    1,
  );
  if (keep === null) return;
  kernel.envelope(
    quantiles + quantileBytes,
    quantileBytes,
    scale,
    tileBytes,
    cap,
    tileBytes,
    0,
    still,
    quantileBytes,
    1,
  );
  kernel.keepNeed(still, quantileBytes, keep, tileBytes, 1);
}

/** Features and head: one tile of quantiles, or two with the keep-need's. */
function computeQuantiles(parts: AnswerParts, place: AnswerPlace): void {
  const { kernel, plan, network, scratch } = parts;
  const { scratchPlan, tileBytes, hiddenSize } = plan;
  const features = scratch + scratchPlan.features;
  const featureBytes = SUMMARY_ROWS * LANE_ROW_BYTES;
  const quantiles = scratch + scratchPlan.quantiles;
  const quantileBytes = ENVELOPE_ROWS * LANE_ROW_BYTES;
  const { state, keep } = place;
  const at = place.atSeconds ?? Number.NaN;
  kernel.features(state, tileBytes, features, featureBytes, 1, at, place.outageMinutes);
  const headScratch = scratch + scratchPlan.head;
  if (keep === null) {
    kernel.head(
      network.head.ptr,
      place.hidden,
      0,
      features,
      featureBytes,
      quantiles,
      quantileBytes,
      1,
      hiddenSize,
      network.summarySize,
      headScratch,
    );
  } else {
    const again = features + featureBytes;
    kernel.featuresForOutage(state, tileBytes, features, 0, again, 0, 1, at, 0);
    kernel.headPair(
      network.head.ptr,
      place.hidden,
      features,
      again,
      quantiles,
      quantiles + quantileBytes,
      hiddenSize,
      network.summarySize,
      headScratch,
    );
  }
}

/** One lane of the tile that `AnswerPlace` names. */
export interface LanePlace {
  readonly state: number;
  readonly hidden: number;
  readonly lane: number;
  /** f32[48], written. */
  readonly envelope: number;
  /** NaN = the lane's own. */
  readonly outageMinutes: number;
  /** Address of the offsets of the envelope, 0 = none. */
  readonly offsets: number;
}

/** The envelope of one instance alone, with the bits that `computeAnswers` gives its lane. */
export function computeLaneAnswer(parts: AnswerParts, place: LanePlace): void {
  const { kernel, plan, network, scratch } = parts;
  kernel.laneAnswer(
    network.head.ptr,
    place.state,
    place.hidden,
    place.lane,
    Number.NaN,
    place.outageMinutes,
    place.offsets,
    place.envelope,
    plan.hiddenSize,
    network.summarySize,
    scratch + plan.scratchPlan.head,
  );
}
