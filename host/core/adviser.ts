/**
 * Advice on the hot path of a scheduler: may this instance be interrupted now, and where would it
 * come back?
 *
 * Goals: synchronous; no allocation after opening; one thread, one memory, no ledger, no clock, no
 * Node, so that it runs in a browser too. Non-goals: leases, donors, priorities, calibration by
 * outcomes, which the coordinator and the profiler bring; several threads.
 *
 *     const adviser = new Adviser({ module: compileBinary("release"), weights, maxInstances: 1_000,
 *       maxNodes: 100, unitWeights: [1 / 16, 1 / 64, 1 / 1_000, 1 / 500] });
 *     adviser.setRoom(node, room);                 // 12 amounts, resource x phase
 *     adviser.enter(slot, [4, 8, NaN, NaN], 10);   // limits; outage in minutes
 *     adviser.offer(slot, seconds, sample, false); // 8 values, NaN = missing
 *     adviser.refresh();                           // once a while: the net steps and answers
 *     if (adviser.consider(slot) === PROCEED) adviser.hold(adviser.node, adviser.need);
 */
import { RepriseError } from "../lib/errors.js";
import {
  ENVELOPE_ROWS,
  INBOX_CONNECTIONS,
  INBOX_CORE_PEAK,
  INBOX_CPU_PEAK,
  INBOX_FLAGS,
  INBOX_SINCE_LAUNCH,
  INBOX_TILE_BYTES,
  INBOX_TIME,
  INBOX_VALUES,
  INPUT_ROWS,
  LANE_ROW_BYTES,
  NEED_COLUMNS,
  PENDING_RESTART,
  PENDING_SAMPLE,
  RESOURCE_COUNT,
  TILE_CAP,
  TILE_LANES,
  TILE_OUTAGE,
} from "./abi.js";
import { type AdviserMemory, type AdviserSizes, openAdviserMemory } from "./adviser-memory.js";
import { isKnown, needFromLimits, needFromNet } from "./adviser-need.js";
import { type AnswerParts, type AnswerPlace, computeAnswers } from "./answers.js";
import { NodeRooms } from "./node-rooms.js";
import { envelopeOffset, hiddenOffset } from "./plan.js";
import { clearLane, tilePtr } from "./tile-lanes.js";
import { type BoundViews, CoreViews } from "./views.js";

/** The node `adviser.node` has room for `adviser.need`. */
export const PROCEED = 0;
/** No node has room now; `adviser.short` names the columns in which none has enough, if any. */
export const DEFER = 1;
/** Too few samples, and no limit to go by: `adviser.need` is not known. */
export const UNKNOWN = 2;
export type Verdict = typeof PROCEED | typeof DEFER | typeof UNKNOWN;

/** Values of a sample: cpu, memory, network, disk, cpu peak, busiest core, connections, seconds up. */
export const SAMPLE_VALUES = 8;

const EXTRAS = [INBOX_CPU_PEAK, INBOX_CORE_PEAK, INBOX_CONNECTIONS, INBOX_SINCE_LAUNCH] as const;

export interface AdviserOptions extends AdviserSizes {
  /**
   * What one unit of each resource weighs when the tightest node is looked for, for instance one
   * over what a node has: cpu, memory, network, disk.
   */
  readonly unitWeights: ArrayLike<number>;
}

export class Adviser {
  /** What the last instance considered would need: resource x phase, rounded up to 1/1024. */
  readonly need: Float64Array = new Float64Array(NEED_COLUMNS);
  /** f32[48], asinh space: added to every quantile before it is scaled. Zeros at first. */
  readonly offsets: Float32Array;
  readonly #core: AdviserMemory;
  readonly #views: BoundViews;
  readonly #rooms: NodeRooms;
  readonly #answerParts: AnswerParts;
  readonly #answerPlace: { -readonly [K in keyof AnswerPlace]: AnswerPlace[K] };
  readonly #lastSeconds: Float64Array;
  readonly #isEntered: Uint8Array;
  /** Which copy of a tile's hidden state is the newest. */
  readonly #parity: Uint8Array;
  /** Tiles whose answers are older than their samples, in the order of their first sample. */
  readonly #stale: Int32Array;
  readonly #isStale: Uint8Array;
  #staleCount = 0;
  /** By slot: whether the answer of the last refresh means anything. */
  readonly #isKnown: Uint8Array;
  #node = -1;
  #short = 0;
  #isByLimit = false;

  /** @throws ERR_ARGUMENT, ERR_LIMIT, ERR_SHAPE */
  constructor(options: AdviserOptions) {
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const got = options.unitWeights[resource] ?? Number.NaN;
      if (got >= 0 && got < Number.POSITIVE_INFINITY) continue;
      refuse(`unitWeights[${resource}]`, got, "a finite number from 0");
    }
    const core = openAdviserMemory(options);
    const { kernel, memory, plan, network } = core;
    this.#core = core;
    this.#views = new CoreViews(memory).all;
    this.#rooms = new NodeRooms({
      kernel,
      memory,
      plan: core.rooms,
      unitWeights: options.unitWeights,
    });
    this.offsets = new Float32Array(memory.buffer, plan.offsets.ptr, ENVELOPE_ROWS);
    const scratch = plan.scratch[0]?.ptr ?? 0;
    this.#answerParts = { kernel, plan, network, scratch };
    this.#answerPlace = { state: 0, hidden: 0, envelope: 0, keep: null, outageMinutes: Number.NaN };
    const slots = plan.tileCount * TILE_LANES;
    this.#lastSeconds = new Float64Array(slots);
    this.#isEntered = new Uint8Array(slots);
    this.#isKnown = new Uint8Array(slots);
    this.#parity = new Uint8Array(plan.tileCount);
    this.#stale = new Int32Array(plan.tileCount);
    this.#isStale = new Uint8Array(plan.tileCount);
  }

  /** Where the last instance considered would come back; -1 unless the verdict was `PROCEED`. */
  get node(): number {
    return this.#node;
  }

  /** After `DEFER`: bit `needColumn(resource, phase)` of each column in which no node has enough. */
  get short(): number {
    return this.#short;
  }

  /** Whether the last need was the limit, or the largest use seen, for want of samples. */
  get isByLimit(): boolean {
    return this.#isByLimit;
  }

  /**
   * Takes a slot into use, or an instance's new limits.
   *
   * @param limits four amounts, NaN = none known
   * @param outageMinutes time between interruption and restart that answers are for
   * @throws ERR_ARGUMENT
   */
  enter(slot: number, limits: ArrayLike<number>, outageMinutes: number): void {
    this.#checkSlot(slot);
    if (!(outageMinutes >= 0 && outageMinutes < Number.POSITIVE_INFINITY)) {
      refuse("outageMinutes", outageMinutes, "minutes from 0");
    }
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const limit = limits[resource];
      if (limit === undefined || limit < 0) refuse(`limits[${resource}]`, limit, "from 0, or NaN");
    }
    const { f32 } = this.#views;
    const state = tilePtr(this.#core.plan, slot >>> 3);
    const caps = (state + TILE_CAP) / 4 + (slot & 7) * RESOURCE_COUNT;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      f32[caps + resource] = limits[resource] ?? Number.NaN;
    }
    f32[(state + TILE_OUTAGE) / 4 + (slot & 7)] = outageMinutes;
    this.#isEntered[slot] = 1;
    this.#markStale(slot >>> 3);
  }

  /** Frees a slot and forgets what was in it. @throws ERR_ARGUMENT */
  leave(slot: number): void {
    this.#checkEntered(slot);
    const { plan, inbox } = this.#core;
    clearLane(this.#views, plan, slot);
    const flags = inbox.ptr + (slot >>> 3) * INBOX_TILE_BYTES + INBOX_FLAGS;
    this.#views.u32[flags / 4 + (slot & 7)] = 0;
    this.#lastSeconds[slot] = 0;
    this.#isEntered[slot] = 0;
    this.#isKnown[slot] = 0;
  }

  /**
   * Takes a sample. It waits for `refresh`, or for the next one of its instance.
   *
   * @param values `SAMPLE_VALUES` numbers, NaN = missing
   * @param isRestart first sample of an incarnation but the first
   * @returns false when its time is none, or not after the instance's last one: nothing is changed
   * @throws ERR_ARGUMENT
   */
  offer(slot: number, seconds: number, values: ArrayLike<number>, isRestart: boolean): boolean {
    this.#checkEntered(slot);
    const last = this.#lastSeconds[slot] ?? 0;
    if (!(seconds > last && seconds < Number.POSITIVE_INFINITY)) return false;
    const { f32, f64, u32 } = this.#views;
    const tile = slot >>> 3;
    const lane = slot & 7;
    const inbox = this.#core.inbox.ptr + tile * INBOX_TILE_BYTES;
    const flags = (inbox + INBOX_FLAGS) / 4 + lane;
    if (u32[flags] !== 0) this.#settle(tile);
    f64[(inbox + INBOX_TIME) / 8 + lane] = seconds;
    const row = (inbox + INBOX_VALUES) / 4 + lane * RESOURCE_COUNT;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      f32[row + resource] = values[resource] ?? Number.NaN;
    }
    for (let extra = 0; extra < EXTRAS.length; extra++) {
      const word = (inbox + (EXTRAS[extra] ?? 0)) / 4 + lane;
      f32[word] = values[RESOURCE_COUNT + extra] ?? Number.NaN;
    }
    u32[flags] = last === 0 || isRestart ? PENDING_SAMPLE | PENDING_RESTART : PENDING_SAMPLE;
    this.#lastSeconds[slot] = seconds;
    this.#markStale(tile);
    return true;
  }

  /** Steps the net over all waiting samples and refreshes the answers. @returns tiles refreshed */
  refresh(): number {
    const count = this.#staleCount;
    const { plan } = this.#core;
    for (let index = 0; index < count; index++) {
      const tile = this.#stale[index] ?? 0;
      this.#settle(tile);
      const place = this.#answerPlace;
      place.state = tilePtr(plan, tile);
      place.hidden = place.state + hiddenOffset(plan, this.#parity[tile] ?? 0);
      place.envelope = place.state + envelopeOffset(plan, 0);
      computeAnswers(this.#answerParts, place);
      this.#isStale[tile] = 0;
      for (let lane = 0; lane < TILE_LANES; lane++) {
        this.#isKnown[tile * TILE_LANES + lane] = isKnown(this.#views, place.state, lane) ? 1 : 0;
      }
    }
    this.#staleCount = 0;
    return count;
  }

  /**
   * Copies the restart envelope as of the last refresh, in the resources' units.
   *
   * @param into at least 48 numbers, row `envelopeRow(resource, phase, quantile)`
   * @returns false when too few samples are known for it to mean anything
   * @throws ERR_ARGUMENT
   */
  profile(slot: number, into: Float64Array): boolean {
    this.#checkEntered(slot);
    const { f32 } = this.#views;
    let word = this.#envelopeWord(slot);
    for (let row = 0; row < ENVELOPE_ROWS; row++, word += TILE_LANES) into[row] = f32[word] ?? 0;
    return this.#isKnown[slot] === 1;
  }

  /**
   * What the node has left for instances that restart, the whole of it: 12 amounts, resource x
   * phase, NaN = takes nothing, Infinity = unbounded. @throws ERR_ARGUMENT
   */
  setRoom(node: number, room: ArrayLike<number>): void {
    this.#checkNode(node);
    this.#rooms.set(node, room);
  }

  /** Amount that a node has left, rounded down to 1/1024. @throws ERR_ARGUMENT */
  roomOf(node: number, column: number): number {
    this.#checkNode(node);
    return this.#rooms.roomOf(node, column);
  }

  /** Takes a need from a node's room. @throws ERR_ARGUMENT */
  hold(node: number, need: ArrayLike<number>): void {
    this.#checkNode(node);
    this.#rooms.add(node, need, -1);
  }

  /** Gives back what `hold` took. @throws ERR_ARGUMENT */
  free(node: number, need: ArrayLike<number>): void {
    this.#checkNode(node);
    this.#rooms.add(node, need, 1);
  }

  /**
   * May the instance be interrupted now? Looks at the answers of the last refresh and at all nodes;
   * changes nothing but `need`, `node`, `short` and `isByLimit`.
   *
   * @throws ERR_ARGUMENT
   */
  consider(slot: number): Verdict {
    this.#checkEntered(slot);
    this.#node = -1;
    this.#short = 0;
    this.#isByLimit = false;
    const { need } = this;
    const isAnswered =
      this.#isKnown[slot] === 1 && needFromNet(this.#views, this.#envelopeWord(slot), need);
    if (!isAnswered) {
      this.#isByLimit = true;
      if (!needFromLimits(this.#answerParts, this.#views, slot, need)) {
        need.fill(Number.NaN);
        return UNKNOWN;
      }
    }
    this.#rooms.ask(need);
    this.#short = this.#rooms.short();
    if (this.#short !== 0) return DEFER;
    this.#node = this.#rooms.tightest();
    return this.#node >= 0 ? PROCEED : DEFER;
  }

  #envelopeWord(slot: number): number {
    const { plan } = this.#core;
    return (tilePtr(plan, slot >>> 3) + envelopeOffset(plan, 0)) / 4 + (slot & 7);
  }

  /** Takes the waiting samples of a tile into its state and steps the net. */
  #settle(tile: number): void {
    const { kernel, plan, network, inbox } = this.#core;
    const state = tilePtr(plan, tile);
    const scratch = this.#answerParts.scratch;
    const x = scratch + plan.scratchPlan.inputs;
    const mask = scratch + plan.scratchPlan.mask;
    const from = inbox.ptr + tile * INBOX_TILE_BYTES;
    const xBytes = INPUT_ROWS * LANE_ROW_BYTES;
    const maskBytes = LANE_ROW_BYTES;
    const { tileBytes, hiddenSize } = plan;
    const inboxBytes = INBOX_TILE_BYTES;
    const taken = kernel.ingest(state, tileBytes, from, inboxBytes, x, xBytes, mask, maskBytes, 1);
    const flags = (from + INBOX_FLAGS) / 4;
    this.#views.u32.fill(0, flags, flags + TILE_LANES);
    if (taken === 0) return;
    const parity = this.#parity[tile] ?? 0;
    kernel.gruStep(
      network.gru.ptr,
      x,
      xBytes,
      state + hiddenOffset(plan, parity),
      state + hiddenOffset(plan, 1 - parity),
      hiddenSize * LANE_ROW_BYTES,
      mask,
      maskBytes,
      1,
      INPUT_ROWS,
      hiddenSize,
      scratch + plan.scratchPlan.head,
    );
    this.#parity[tile] = 1 - parity;
  }

  #markStale(tile: number): void {
    if (this.#isStale[tile] === 1) return;
    this.#isStale[tile] = 1;
    this.#stale[this.#staleCount++] = tile;
  }

  #checkSlot(slot: number): void {
    const count = this.#isEntered.length;
    if (Number.isInteger(slot) && slot >= 0 && slot < count) return;
    refuse("slot", slot, `a slot from 0 to ${count - 1}`);
  }

  #checkEntered(slot: number): void {
    if (this.#isEntered[slot] === 1) return;
    refuse("slot", slot, "a slot that was entered");
  }

  #checkNode(node: number): void {
    const { nodeCount } = this.#core.rooms;
    if (Number.isInteger(node) && node >= 0 && node < nodeCount) return;
    refuse("node", node, `a node from 0 to ${nodeCount - 1}`);
  }
}

function refuse(field: string, got: unknown, expected: string): never {
  throw new RepriseError("ERR_ARGUMENT", "the value cannot be used", { field, got, expected });
}
