/**
 * One instance, its samples in time order, and answers at any moment between them: the profiler's
 * path without ticks, threads and publishing. Same kernels, same layout, same ladder.
 *
 * Goals: an answer depends on the samples pushed before it and on nothing else; asking changes no
 * state. Non-goals: many instances (the profiler), calibration by
 * outcomes or shadow cuts.
 */

import {
  ENVELOPE_ROWS,
  INBOX_TILE_BYTES,
  INPUT_ROWS,
  KEEP_ROWS,
  LANE_ROW_BYTES,
  PENDING_RESTART,
  PENDING_SAMPLE,
  RESOURCES,
  TILE_COUNT,
  TILE_LANES,
  TILE_SCALE,
  TILE_TOTAL,
} from "../core/abi.js";
import { computeAnswers } from "../core/answers.js";
import { callKernel } from "../core/kernel.js";
import { hiddenOffset } from "../core/plan.js";
import { tilePtr } from "../core/tile-lanes.js";
import { present } from "../lib/assert.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { NetworkWeights } from "../model/weights.js";
import type { ResourceAmounts, Sample } from "../sources/sample.js";
import { type CoreMemory, openCoreMemory } from "./core-memory.js";
import { climbLadder, type LadderAnswer, type LadderTables } from "./ladder.js";
import { shippedPopulationPrior } from "./population-prior.js";
import type { PredictorName } from "./predictors/predictors.js";
import { type PredictorChoice, PredictorShelf } from "./predictors/shelf.js";
import { HISTORY_TILE_BYTES, readUsageHistory } from "./predictors/usage-history.js";
import { SampleQueue } from "./sample-queue.js";
import { readStatistics, STATISTICS_TILE_BYTES } from "./statistics.js";
import { writeIdentity } from "./tile-lanes.js";

const SLOT = 0;
const INPUT_BYTES = INPUT_ROWS * LANE_ROW_BYTES;

export class InstanceStream {
  readonly #core: CoreMemory;
  readonly #queue = new SampleQueue(1, 1, 1);
  /** Which of the tile's two hidden states is the current one. */
  #parity = 0;
  #lastMs = 0;
  /** In float64, so that no answer is above a cap by a rounding. */
  #caps: readonly number[] = [];
  #launchedMs: number | undefined;

  readonly #predictors: PredictorShelf;
  /** One sample's values on their way to the predictors. */
  readonly #values: number[] = [];

  /** @param weights null: the rungs below the network answer. @throws ERR_SHAPE */
  constructor(weights: NetworkWeights | null, choice: PredictorChoice = {}) {
    this.#predictors = new PredictorShelf(1, choice);
    this.#core = openCoreMemory({ maxInstances: TILE_LANES, workers: 0, weights });
    this.setLimits({});
  }

  /** Hard caps from now on; a resource that is not named has none. */
  setLimits(limits: ResourceAmounts): void {
    const { views, plan } = this.#core;
    writeIdentity(views.all, plan, SLOT, { limits, outageMinutes: 0 });
    this.#caps = RESOURCES.map((resource) => limits[resource] ?? Number.NaN);
  }

  /** Time of the last sample, seconds since 1970; 0 before the first. */
  get lastSeconds(): number {
    return this.#lastMs / 1_000;
  }

  /** The instance's scale of each resource. */
  scale(): Float32Array {
    const { views, plan } = this.#core;
    const word = (tilePtr(plan, 0) + TILE_SCALE) / 4 + SLOT * RESOURCES.length;
    return views.f32.slice(word, word + RESOURCES.length);
  }

  /** The next sample is the first of a new incarnation, which began at this time. */
  restarted(timeMs: number): void {
    this.#launchedMs = timeMs;
  }

  /** @throws ERR_SAMPLE when its time is not later than that of the sample before */
  push(sample: Sample): void {
    if (!(sample.timeMs > this.#lastMs)) {
      throw new RepriseError("ERR_SAMPLE", "samples come in time order", {
        field: "timeMs",
        got: sample.timeMs,
        expected: `more than ${this.#lastMs}`,
      });
    }
    const { views, plan } = this.#core;
    const launched = this.#launchedMs;
    const flags = launched === undefined ? PENDING_SAMPLE : PENDING_SAMPLE | PENDING_RESTART;
    const since = launched === undefined ? undefined : (sample.timeMs - launched) / 1_000;
    const complete =
      since === undefined || sample.sinceLaunchSeconds !== undefined
        ? sample
        : { ...sample, sinceLaunchSeconds: since };
    this.#queue.push(SLOT, complete, flags);
    this.#queue.writeTo(this.#queue.head(SLOT), views, plan.inbox.ptr, SLOT);
    this.#queue.resourcesInto(this.#queue.head(SLOT), this.#values);
    this.#predictors.observe(SLOT, sample.timeMs / 1_000, this.#values);
    this.#queue.drop(SLOT, 1);
    this.#lastMs = sample.timeMs;
    this.#launchedMs = undefined;
    callKernel("ingest", () => this.#step());
  }

  #step(): void {
    const { kernel, plan, network } = this.#core;
    const scratch = this.#scratch();
    const state = tilePtr(plan, 0);
    const x = scratch + plan.scratchPlan.inputs;
    const mask = scratch + plan.scratchPlan.mask;
    const { tileBytes, hiddenSize } = plan;
    const inbox = plan.inbox.ptr;
    kernel.ingest(
      state,
      tileBytes,
      inbox,
      INBOX_TILE_BYTES,
      x,
      INPUT_BYTES,
      mask,
      LANE_ROW_BYTES,
      1,
    );
    if (network === null) return;
    kernel.gruStep(
      network.gru.ptr,
      x,
      INPUT_BYTES,
      state + hiddenOffset(plan, this.#parity),
      state + hiddenOffset(plan, 1 - this.#parity),
      hiddenSize * LANE_ROW_BYTES,
      mask,
      LANE_ROW_BYTES,
      1,
      INPUT_ROWS,
      hiddenSize,
      scratch + plan.scratchPlan.head,
    );
    this.#parity = 1 - this.#parity;
  }

  /**
   * What it would need if it were interrupted at `atSeconds` and came back after the outage.
   *
   * @param atSeconds seconds since 1970, not before the last sample
   * @param predictor the chosen one when absent
   * @throws ERR_ARGUMENT, ERR_STATE for a predictor that is not kept
   */
  answer(
    atSeconds: number,
    outageMinutes: number,
    predictor: PredictorName = this.#predictors.chosen,
  ): LadderAnswer {
    const isTime = Number.isFinite(atSeconds) && atSeconds * 1_000 >= this.#lastMs;
    if (!(isTime && outageMinutes >= 0 && outageMinutes <= LIMITS.outageMinutesMax)) {
      throw new RepriseError("ERR_ARGUMENT", "no answer for this moment and outage", {
        got: { atSeconds, outageMinutes },
        expected:
          `a time of ${this.#lastMs / 1_000} s or later, ` +
          `an outage of 0 to ${LIMITS.outageMinutesMax} min`,
      });
    }
    const { views, plan } = this.#core;
    const state = tilePtr(plan, 0);
    const word = (offset: number) => present(views.u32[(state + offset) / 4 + SLOT], "a count");
    const isNetwork = predictor === "network";
    return climbLadder({
      network: isNetwork ? this.#networkTables(atSeconds, outageMinutes) : null,
      baseline: isNetwork ? undefined : this.#baseline(predictor, atSeconds, outageMinutes),
      statistics: this.#statistics(),
      population: null,
      prior: shippedPopulationPrior(),
      samplesInIncarnation: word(TILE_COUNT),
      samplesInTotal: word(TILE_TOTAL),
      caps: this.#caps,
      requested: [],
    });
  }

  #networkTables(atSeconds: number, outageMinutes: number): LadderTables | null {
    const { kernel, views, plan, network } = this.#core;
    if (network === null) return null;
    const scratch = this.#scratch();
    const state = tilePtr(plan, 0);
    const envelope = scratch + plan.scratchPlan.answerEnvelope;
    const keep = scratch + plan.scratchPlan.answerKeep;
    const hidden = state + hiddenOffset(plan, this.#parity);
    callKernel("answer", () =>
      computeAnswers(
        { kernel, plan, network, scratch },
        { state, hidden, envelope, keep, outageMinutes, atSeconds },
      ),
    );
    const column = (ptr: number, rows: number) =>
      Float64Array.from({ length: rows }, (_, row) =>
        present(views.f32[ptr / 4 + row * TILE_LANES + SLOT], "an answer"),
      );
    return { envelope: column(envelope, ENVELOPE_ROWS), keepNeed: column(keep, KEEP_ROWS) };
  }

  #baseline(
    predictor: Exclude<PredictorName, "network">,
    atSeconds: number,
    outageMinutes: number,
  ): Float64Array {
    const { kernel, views, plan } = this.#core;
    const out = this.#scratch() + plan.scratchPlan.features;
    const state = tilePtr(plan, 0);
    callKernel("usageHistory", () => {
      const { tileBytes } = plan;
      kernel.usageHistory(state, tileBytes, out, HISTORY_TILE_BYTES, 1, atSeconds, outageMinutes);
    });
    return this.#predictors.predict(predictor, SLOT, readUsageHistory(views.f32, out, SLOT));
  }

  #statistics() {
    const { kernel, views, plan } = this.#core;
    // The features are over when this runs; the statistics of one tile fit into their place.
    const out = this.#scratch() + plan.scratchPlan.features;
    const { tileBytes } = plan;
    callKernel("statistics", () => {
      kernel.statistics(tilePtr(plan, 0), tileBytes, out, STATISTICS_TILE_BYTES, 1);
    });
    return readStatistics(views.f32, out, SLOT);
  }

  #scratch(): number {
    return present(this.#core.plan.scratch[0], "a scratch block").ptr;
  }
}
