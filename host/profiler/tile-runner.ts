/**
 * The work of a tick on one thread: takes items from the shared work table until none is left.
 *
 * Goals: any thread can take any item; a thread may die at any instruction and the host can put
 * the tile back; the bits do not depend on who did what. Non-goals: publishing (the host does it
 * after all items are done), repeating (the host does it after a loss).
 *
 * Protocol of one item: copy the tile's state to the journal, set JOURNALED, compute, set DONE.
 * Hidden state, envelope and keep-need are written into the buffer that nobody reads.
 */
import {
  ENVELOPE_ROWS,
  INBOX_TILE_BYTES,
  INPUT_ROWS,
  KEEP_ROWS,
  LANE_ROW_BYTES,
  TILE_HIDDEN,
  TILE_LANES,
} from "../core/abi.js";
import { type AnswerParts, type AnswerPlace, computeAnswers } from "../core/answers.js";
import { callKernel, type Kernel } from "../core/kernel.js";
import type { NetworkRegions } from "../core/network.js";
import {
  envelopeOffset,
  hiddenOffset,
  keepOffset,
  PHASE_DONE,
  PHASE_JOURNALED,
  PHASE_WAITING,
  type ProfilerPlan,
  WORK_FIELDS,
  WORK_INBOX_FIRST,
  WORK_PHASE,
  WORK_ROUNDS,
  WORK_TILE,
} from "../core/plan.js";
import { tilePtr } from "../core/tile-lanes.js";
import type { BoundViews, CoreViews } from "../core/views.js";
import { invariant, present } from "../lib/assert.js";
import type { Refresh } from "./profiler-options.js";
import { TickControl } from "./tick-control.js";
import type { TickTask } from "./workers.js";

export interface TileRunnerParts {
  readonly kernel: Kernel;
  readonly views: CoreViews;
  readonly plan: ProfilerPlan;
  readonly network: NetworkRegions | null;
  readonly refresh: Refresh;
  /** Called with the item after each step that may be the last of a dying thread; tests use it. */
  readonly onStep?: (step: TileStep, item: number) => void;
}

export type TileStep = "journaled" | "ingested" | "stepped" | "computed" | "done";

export class TileRunner {
  readonly #parts: TileRunnerParts;
  /** One a scratch block; this and the two below stay, so that a tile makes no object. */
  readonly #answerParts: readonly AnswerParts[];
  readonly #place: Place = { item: 0, state: 0, scratch: 0, scratchIndex: 0, published: 0 };
  readonly #answerPlace: { -readonly [K in keyof AnswerPlace]: AnswerPlace[K] } = {
    state: 0,
    hidden: 0,
    envelope: 0,
    keep: 0,
    outageMinutes: Number.NaN,
  };
  readonly #control: TickControl;
  #bound: BoundViews;

  constructor(parts: TileRunnerParts) {
    this.#parts = parts;
    this.#bound = parts.views.all;
    this.#control = new TickControl(parts.views, parts.plan);
    const { kernel, plan, network } = parts;
    this.#answerParts =
      network === null
        ? []
        : plan.scratch.map(({ ptr }) => ({ kernel, plan, network, scratch: ptr }));
  }

  /** @returns items done by this task */
  run(task: TickTask): number {
    this.#bound = this.#parts.views.all;
    return callKernel("tick", () => this.#work(task));
  }

  #work(task: TickTask): number {
    let done = 0;
    for (let number = task.from; this.#control.awaitSlice(number); number++) {
      done += this.#drain(number % this.#parts.plan.sliceCount, task.scratchIndex);
    }
    return done;
  }

  #drain(place: number, scratchIndex: number): number {
    const { i32 } = this.#bound;
    const first = place * this.#parts.plan.journalTiles;
    let done = 0;
    for (let taken = this.#control.take(place); taken >= 0; taken = this.#control.take(place)) {
      const item = first + taken;
      const phase = this.#workWord(item, WORK_PHASE);
      const found = Atomics.load(i32, phase);
      if (found === PHASE_DONE) continue;
      invariant(found === PHASE_WAITING, "an item is taken while its tile is half written");
      this.#process(item, scratchIndex);
      Atomics.store(i32, phase, PHASE_DONE);
      this.#control.finish(place);
      this.#step("done", item);
      done++;
    }
    return done;
  }

  #process(item: number, scratchIndex: number): void {
    const { plan, network, refresh } = this.#parts;
    const { u8, i32 } = this.#bound;
    const tile = present(i32[this.#workWord(item, WORK_TILE)], "tile of a work item");
    const state = tilePtr(plan, tile);
    u8.copyWithin(plan.journal.ptr + item * TILE_HIDDEN, state, state + TILE_HIDDEN);
    Atomics.store(i32, this.#workWord(item, WORK_PHASE), PHASE_JOURNALED);
    this.#step("journaled", item);
    const place = this.#place;
    place.item = item;
    place.state = state;
    place.scratch = present(plan.scratch[scratchIndex], "scratch block").ptr;
    place.scratchIndex = scratchIndex;
    place.published = present(i32[plan.epochs.ptr / 4 + tile], "epoch of a tile") & 1;
    this.#rounds(place);
    if (network !== null && refresh === "tick") this.#answer(place);
    this.#step("computed", item);
  }

  /** Every sample of the tile in order; the hidden state ends in the buffer that nobody reads. */
  #rounds(place: Place): void {
    const { kernel, plan, network } = this.#parts;
    const { i32, u32 } = this.#bound;
    const { scratchPlan } = plan;
    const x = place.scratch + scratchPlan.inputs;
    const mask = place.scratch + scratchPlan.mask;
    const touched = (mask + LANE_ROW_BYTES) / 4;
    u32.fill(0, touched, touched + TILE_LANES);
    const first = present(i32[this.#workWord(place.item, WORK_INBOX_FIRST)], "inbox of an item");
    const rounds = present(i32[this.#workWord(place.item, WORK_ROUNDS)], "rounds of an item");
    let from = place.state + hiddenOffset(plan, place.published);
    for (let round = 0; round < rounds; round++) {
      const inbox = plan.inbox.ptr + (first + round) * INBOX_TILE_BYTES;
      kernel.ingest(
        place.state,
        plan.tileBytes,
        inbox,
        INBOX_TILE_BYTES,
        x,
        INPUT_ROWS * LANE_ROW_BYTES,
        mask,
        LANE_ROW_BYTES,
        1,
      );
      this.#step("ingested", place.item);
      for (let lane = 0; lane < TILE_LANES; lane++) {
        u32[touched + lane] = (u32[touched + lane] ?? 0) | (u32[mask / 4 + lane] ?? 0);
      }
      if (network === null) continue;
      const last = round === rounds - 1;
      const to = last
        ? place.state + hiddenOffset(plan, 1 - place.published)
        : place.scratch + scratchPlan.hidden + (round & 1) * plan.hiddenSize * LANE_ROW_BYTES;
      kernel.gruStep(
        network.gru.ptr,
        x,
        INPUT_ROWS * LANE_ROW_BYTES,
        from,
        to,
        plan.hiddenSize * LANE_ROW_BYTES,
        mask,
        LANE_ROW_BYTES,
        1,
        INPUT_ROWS,
        plan.hiddenSize,
        // The head comes after it.
        place.scratch + scratchPlan.head,
      );
      this.#step("stepped", place.item);
      from = to;
    }
  }

  /** Envelope and keep-need of the lanes that took a sample; the others carry theirs over. */
  #answer(place: Place): void {
    const { kernel, plan } = this.#parts;
    const next = 1 - place.published;
    const mask = place.scratch + plan.scratchPlan.mask + LANE_ROW_BYTES;
    const envelope = place.state + envelopeOffset(plan, next);
    const keep = place.state + keepOffset(plan, next);
    const answer = this.#answerPlace;
    answer.state = place.state;
    answer.hidden = place.state + hiddenOffset(plan, next);
    answer.envelope = envelope;
    answer.keep = keep;
    computeAnswers(present(this.#answerParts[place.scratchIndex], "a network's scratch"), answer);
    kernel.carryLanes(
      mask,
      place.state + envelopeOffset(plan, place.published),
      envelope,
      ENVELOPE_ROWS,
    );
    kernel.carryLanes(mask, place.state + keepOffset(plan, place.published), keep, KEEP_ROWS);
  }

  #workWord(item: number, field: number): number {
    return this.#parts.plan.work.ptr / 4 + item * WORK_FIELDS + field;
  }

  #step(step: TileStep, item: number): void {
    this.#parts.onStep?.(step, item);
  }
}

interface Place {
  item: number;
  state: number;
  scratch: number;
  scratchIndex: number;
  /** Parity of the buffer that readers use. */
  published: number;
}
