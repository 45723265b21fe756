/**
 * One tick on the host's side: what waits becomes work items, workers compute, the host publishes.
 *
 * Goals: a lost worker loses nothing; a reader never sees half a tick; a tick that cannot be
 * finished changes nothing. Non-goals: deciding when to tick, the workers (`TickCrew`).
 *
 * A tick over more tiles than the journal holds is done and published slice by slice, each
 * instance whole. With threads some slices are under way at a time: while those are computed, the
 * host publishes the one before and places the next. Slices share no tile, and are published in the
 * order in which they were placed.
 */
import { INBOX_FLAGS, INBOX_TILE_BYTES, TILE_HIDDEN, TILE_LANES } from "../core/abi.js";
import {
  PHASE_DONE,
  PHASE_WAITING,
  WORK_FIELDS,
  WORK_INBOX_FIRST,
  WORK_PHASE,
  WORK_ROUNDS,
  WORK_TILE,
} from "../core/plan.js";
import { tilePtr } from "../core/tile-lanes.js";
import { present } from "../lib/assert.js";
import type { CoreMemory } from "./core-memory.js";
import type { SampleQueue } from "./sample-queue.js";
import { TickControl } from "./tick-control.js";

export interface TickParts {
  readonly core: CoreMemory;
  readonly queue: SampleQueue;
  /** Called for each lane that gets samples, before any worker starts. */
  readonly onLane: (slot: number, lastTimeSeconds: number) => void;
  /** Called for each lane whose first `count` waiting samples become visible. */
  readonly onPublished: (slot: number, count: number) => void;
}

export interface SliceReport {
  readonly sampleCount: number;
  readonly tileCount: number;
}

export class TickSlices {
  readonly control: TickControl;
  readonly #parts: TickParts;
  /** Samples of each slot in the slices under way. */
  readonly #placed: Uint16Array;
  /** Work item of each tile in the slices under way, -1 = in none. */
  readonly #items: Int32Array;
  /** Items of the slice in each place; those of place p begin at p x `journalTiles`. */
  readonly #itemCounts: number[];
  /** Numbers of the oldest slice under way and of the next one to be placed. */
  #oldest = 0;
  #next = 0;
  #placedCount = 0;

  constructor(parts: TickParts) {
    this.#parts = parts;
    this.control = new TickControl(parts.core.views, parts.core.plan);
    this.#placed = new Uint16Array(parts.core.plan.tileCount * TILE_LANES);
    this.#items = new Int32Array(parts.core.plan.tileCount).fill(-1);
    this.#itemCounts = new Array<number>(parts.core.plan.sliceCount).fill(0);
  }

  /** Slices that may be under way at one time. */
  get count(): number {
    return this.#itemCounts.length;
  }

  /** Where the published state of a tile lies while the tick works on the tile. */
  journalOf(tile: number): { readonly phaseWord: number; readonly journalPtr: number } | undefined {
    const item = this.#items[tile] ?? -1;
    if (item < 0) return undefined;
    const { plan } = this.#parts.core;
    return {
      phaseWord: this.#word(item, WORK_PHASE),
      journalPtr: plan.journal.ptr + item * TILE_HIDDEN,
    };
  }

  /** The slot's tenant left: what it had in the slice is nobody's. */
  forget(slot: number): void {
    this.#placed[slot] = 0;
  }

  /** Number of the oldest slice under way. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Where the oldest slice under way lies. */
  get oldestPlace(): number {
    return this.#oldest % this.count;
  }

  /** Items of this tick so far. */
  get placedCount(): number {
    return this.#placedCount;
  }

  /** None is under way: numbers start again with a new tick. */
  begin(): void {
    this.#oldest = 0;
    this.#next = 0;
    this.#placedCount = 0;
    this.control.begin();
  }

  /**
   * Takes tiles from `tiles[from]` on until the slice's journal or inbox is full, and opens them to
   * workers. Fewer than `count` slices may be under way.
   *
   * @returns index of the first tile that is not in the slice
   */
  place(tiles: Int32Array, from: number): number {
    const { plan } = this.#parts.core;
    const place = this.#next++ % this.count;
    let items = 0;
    let inbox = 0;
    let index = from;
    for (; index < tiles.length; index++) {
      const tile = present(tiles[index], "tile");
      const rounds = this.#roundsOf(tile);
      if (rounds === 0) continue;
      if (items === plan.journalTiles || inbox + rounds > plan.inboxTiles) break;
      const item = place * plan.journalTiles + items++;
      this.#placeTile(item, tile, place * plan.inboxTiles + inbox, rounds);
      inbox += rounds;
    }
    this.#itemCounts[place] = items;
    this.#placedCount += items;
    this.control.open(place, items, items);
    return index;
  }

  /** The epoch switch: from here on readers see the oldest slice. */
  publish(): SliceReport {
    const { plan } = this.#parts.core;
    const { i32, u32 } = this.#parts.core.views.all;
    const place = this.#oldest++ % this.count;
    const { first, end } = this.#itemsOf(place);
    let sampleCount = 0;
    for (let item = first; item < end; item++) {
      const tile = present(i32[this.#word(item, WORK_TILE)], "tile of a work item");
      Atomics.add(u32, plan.epochs.ptr / 4 + tile, 1);
      this.#items[tile] = -1;
      for (let lane = 0; lane < TILE_LANES; lane++) {
        sampleCount += this.#publishSlot(tile * TILE_LANES + lane);
      }
    }
    this.#itemCounts[place] = 0;
    return { sampleCount, tileCount: end - first };
  }

  #itemsOf(place: number): { readonly first: number; readonly end: number } {
    const first = place * this.#parts.core.plan.journalTiles;
    return { first, end: first + (this.#itemCounts[place] ?? 0) };
  }

  #publishSlot(slot: number): number {
    const { queue, onPublished } = this.#parts;
    const count = this.#placed[slot] ?? 0;
    if (count === 0) return 0;
    onPublished(slot, count);
    queue.drop(slot, count);
    this.#placed[slot] = 0;
    return count;
  }

  #roundsOf(tile: number): number {
    const { queue } = this.#parts;
    let rounds = 0;
    for (let lane = 0; lane < TILE_LANES; lane++) {
      rounds = Math.max(rounds, queue.count(tile * TILE_LANES + lane));
    }
    return rounds;
  }

  #placeTile(item: number, tile: number, inboxFirst: number, rounds: number): void {
    const { queue, core, onLane } = this.#parts;
    const { i32 } = core.views;
    this.#items[tile] = item;
    i32[this.#word(item, WORK_TILE)] = tile;
    i32[this.#word(item, WORK_INBOX_FIRST)] = inboxFirst;
    i32[this.#word(item, WORK_ROUNDS)] = rounds;
    i32[this.#word(item, WORK_PHASE)] = PHASE_WAITING;
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const slot = tile * TILE_LANES + lane;
      const count = queue.count(slot);
      this.#placed[slot] = count;
      if (count > 0) onLane(slot, queue.timeSeconds(queue.tail(slot)));
    }
    this.#fillInbox(item);
  }

  /** One inbox tile a round; the samples stay in the queue until they are published. */
  #fillInbox(item: number): void {
    const { queue, core } = this.#parts;
    const bound = core.views.all;
    const { i32, u32 } = bound;
    const tile = present(i32[this.#word(item, WORK_TILE)], "tile of a work item");
    const first = present(i32[this.#word(item, WORK_INBOX_FIRST)], "inbox of an item");
    const rounds = present(i32[this.#word(item, WORK_ROUNDS)], "rounds of an item");
    const base = core.plan.inbox.ptr + first * INBOX_TILE_BYTES;
    for (let round = 0; round < rounds; round++) {
      const flags = (base + round * INBOX_TILE_BYTES + INBOX_FLAGS) / 4;
      u32.fill(0, flags, flags + TILE_LANES);
    }
    for (let lane = 0; lane < TILE_LANES; lane++) {
      const slot = tile * TILE_LANES + lane;
      const count = this.#placed[slot] ?? 0;
      let entry = queue.head(slot);
      for (let round = 0; round < count; round++, entry = queue.next(entry)) {
        queue.writeTo(entry, bound, base + round * INBOX_TILE_BYTES, lane);
      }
    }
  }

  /**
   * Puts half-written tiles of all slices under way back and opens them again. No worker may run.
   *
   * @returns items that are to be done
   */
  restore(): number {
    let undone = 0;
    for (let number = this.#oldest; number < this.#next; number++) {
      const place = number % this.count;
      const left = this.#restore(place, { done: false });
      this.control.open(place, this.#itemCounts[place] ?? 0, left);
      undone += left;
    }
    return undone;
  }

  /** On wish the done ones too. @returns items that are to be done */
  #restore(place: number, also: { readonly done: boolean }): number {
    const { i32 } = this.#parts.core.views;
    const { first, end } = this.#itemsOf(place);
    let left = 0;
    for (let item = first; item < end; item++) {
      const phase = Atomics.load(i32, this.#word(item, WORK_PHASE));
      if (phase === PHASE_DONE && !also.done) continue;
      left++;
      if (phase !== PHASE_WAITING) this.#restoreTile(item);
    }
    return left;
  }

  #restoreTile(item: number): void {
    const { plan, views } = this.#parts.core;
    const { i32, u8 } = views;
    const state = tilePtr(plan, present(i32[this.#word(item, WORK_TILE)], "tile of an item"));
    const journal = plan.journal.ptr + item * TILE_HIDDEN;
    u8.copyWithin(state, journal, journal + TILE_HIDDEN);
    this.#fillInbox(item);
    Atomics.store(i32, this.#word(item, WORK_PHASE), PHASE_WAITING);
  }

  /** Nothing of the slices under way happened; their samples wait in the queue. No worker may run. */
  rollBack(): void {
    const { i32 } = this.#parts.core.views;
    for (; this.#oldest < this.#next; this.#oldest++) {
      const place = this.#oldest % this.count;
      this.#restore(place, { done: true });
      const { first, end } = this.#itemsOf(place);
      for (let item = first; item < end; item++) {
        const tile = present(i32[this.#word(item, WORK_TILE)], "tile of a work item");
        this.#items[tile] = -1;
        this.#placed.fill(0, tile * TILE_LANES, (tile + 1) * TILE_LANES);
      }
      this.#itemCounts[place] = 0;
    }
  }

  #word(item: number, field: number): number {
    return this.#parts.core.plan.work.ptr / 4 + item * WORK_FIELDS + field;
  }
}
