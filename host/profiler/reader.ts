import {
  ENVELOPE_ROWS,
  KEEP_ROWS,
  LANE_ROW_BYTES,
  PHASE_COUNT,
  QUANTILE_COUNT,
  RESOURCE_COUNT,
  TILE_HIDDEN,
  TILE_LANES,
  TILE_SCALE,
} from "../core/abi.js";
import { computeLaneAnswer } from "../core/answers.js";
import { envelopeOffset, hiddenOffset, keepOffset, PHASE_WAITING } from "../core/plan.js";
import { tilePtr } from "../core/tile-lanes.js";
import { present } from "../lib/assert.js";
import type { CoreMemory } from "./core-memory.js";
import type { LadderTables } from "./ladder.js";
import {
  HISTORY_TILE_BYTES,
  readUsageHistory,
  type UsageHistory,
} from "./predictors/usage-history.js";
import { type InstanceStatistics, readStatistics, STATISTICS_TILE_BYTES } from "./statistics.js";
import type { TickSlices } from "./tick.js";

/** Address of the envelope's offsets that means none. */
const NO_OFFSETS = 0;

/** The network's answer for one instance, in its resources' units. */
export type NetworkAnswer = LadderTables;

/**
 * Reads published answers in place, and computes those for another outage on the calling thread.
 * Both see the last published tick only, also while the next one runs.
 */
export class AnswerReader {
  readonly #core: CoreMemory;
  readonly #slices: TickSlices;
  readonly #scratch: number;

  constructor(core: CoreMemory, slices: TickSlices) {
    this.#core = core;
    this.#slices = slices;
    this.#scratch = present(core.plan.scratch.at(-1), "the reader's scratch").ptr;
  }

  /** What the last published tick said, for the outage it assumed. */
  published(slot: number): NetworkAnswer {
    const { plan, refresh } = this.#core;
    if (refresh === "demand") return this.#computed(slot, Number.NaN, plan.offsets.ptr);
    const tile = slot >>> 3;
    const parity = this.#parity(tile);
    const base = tilePtr(plan, tile);
    const lane = slot % TILE_LANES;
    return {
      envelope: this.#column(base + envelopeOffset(plan, parity), lane, ENVELOPE_ROWS),
      keepNeed: this.#column(base + keepOffset(plan, parity), lane, KEEP_ROWS),
    };
  }

  /**
   * The answer for another outage, from the same published state, with the bits that a tick would
   * have written for that outage.
   *
   * @param offsets address of the envelope's offsets, 0 = none; the shared ones when absent
   */
  forOutage(slot: number, outageMinutes: number, offsets?: number): NetworkAnswer {
    const { plan, refresh } = this.#core;
    const shift = offsets ?? plan.offsets.ptr;
    if (refresh === "demand") return this.#computed(slot, outageMinutes, shift);
    const tile = slot >>> 3;
    const parity = this.#parity(tile);
    const base = tilePtr(plan, tile);
    return {
      envelope: this.#envelope(slot, outageMinutes, shift),
      // The keep-need does not depend on the outage of a restart.
      keepNeed: this.#column(base + keepOffset(plan, parity), slot % TILE_LANES, KEEP_ROWS),
    };
  }

  /** Envelope and keep-need where ticks leave them to whoever asks. */
  #computed(slot: number, outageMinutes: number, offsets: number): NetworkAnswer {
    const still = this.#envelope(slot, 0, NO_OFFSETS);
    const keepNeed = new Float64Array(KEEP_ROWS);
    for (let at = 0; at < KEEP_ROWS; at++) {
      const row = (at - (at % QUANTILE_COUNT)) * PHASE_COUNT + (at % QUANTILE_COUNT);
      let most = still[row] ?? Number.NaN;
      for (let phase = 1; phase < PHASE_COUNT; phase++) {
        most = Math.max(most, still[row + phase * QUANTILE_COUNT] ?? Number.NaN);
      }
      keepNeed[at] = most;
    }
    return { envelope: this.#envelope(slot, outageMinutes, offsets), keepNeed };
  }

  /** From the published state of one lane alone. */
  #envelope(slot: number, outageMinutes: number, offsets: number): Float64Array {
    const { plan, kernel, network, views } = this.#core;
    const tile = slot >>> 3;
    const scratch = this.#scratch;
    const envelope = scratch + plan.scratchPlan.answerEnvelope;
    computeLaneAnswer(
      { kernel, plan, network: present(network, "the network"), scratch },
      {
        state: this.publishedState(tile),
        hidden: tilePtr(plan, tile) + hiddenOffset(plan, this.#parity(tile)),
        lane: slot % TILE_LANES,
        envelope,
        outageMinutes,
        offsets,
      },
    );
    return Float64Array.from(views.f32.subarray(envelope / 4, envelope / 4 + ENVELOPE_ROWS));
  }

  /**
   * Address of a tile's state as of the last published tick; valid until the next await. While a
   * tick works on the tile it is a copy: taken here before a worker begins, in the journal after.
   */
  publishedState(tile: number): number {
    const { plan, views } = this.#core;
    const live = tilePtr(plan, tile);
    const work = this.#slices.journalOf(tile);
    if (work === undefined) return live;
    const isWaiting = () => Atomics.load(views.i32, work.phaseWord) === PHASE_WAITING;
    if (isWaiting()) {
      const copy = this.#scratch + plan.scratchPlan.state;
      views.u8.copyWithin(copy, live, live + TILE_HIDDEN);
      // A worker journals the tile before it writes: still waiting means nobody wrote meanwhile.
      if (isWaiting()) return copy;
    }
    return work.journalPtr;
  }

  /** The instance's scale of each resource, from the published state. */
  scale(slot: number): readonly number[] {
    const word = (this.publishedState(slot >>> 3) + TILE_SCALE) / 4;
    const from = word + (slot % TILE_LANES) * RESOURCE_COUNT;
    const { f32 } = this.#core.views;
    const none = Number.NaN;
    return [f32[from] ?? none, f32[from + 1] ?? none, f32[from + 2] ?? none, f32[from + 3] ?? none];
  }

  /** What the simpler rungs need, from the published state. */
  statistics(slot: number): InstanceStatistics {
    const { kernel, plan, views } = this.#core;
    const out = this.#scratch + plan.scratchPlan.features;
    const state = this.publishedState(slot >>> 3);
    kernel.statistics(state, plan.tileBytes, out, STATISTICS_TILE_BYTES, 1);
    return readStatistics(views.f32, out, slot % TILE_LANES);
  }

  /** What the simple predictors look at, from the published state. */
  history(slot: number, outageMinutes: number): UsageHistory {
    const { kernel, plan, views } = this.#core;
    const out = this.#scratch + plan.scratchPlan.features;
    const state = this.publishedState(slot >>> 3);
    const last = Number.NaN;
    kernel.usageHistory(state, plan.tileBytes, out, HISTORY_TILE_BYTES, 1, last, outageMinutes);
    return readUsageHistory(views.f32, out, slot % TILE_LANES);
  }

  #parity(tile: number): number {
    const { plan, views } = this.#core;
    return Atomics.load(views.u32, plan.epochs.ptr / 4 + tile) & 1;
  }

  #column(ptr: number, lane: number, rows: number): Float64Array {
    const { f32 } = this.#core.views;
    const out = new Float64Array(rows);
    const stride = LANE_ROW_BYTES / 4;
    let word = ptr / 4 + lane;
    for (let row = 0; row < rows; row++, word += stride) out[row] = f32[word] ?? Number.NaN;
    return out;
  }
}
