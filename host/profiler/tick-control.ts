import {
  CONTROL_BYTES,
  CONTROL_ENDED,
  CONTROL_LEFT,
  CONTROL_OPENED,
  CONTROL_READY,
  CONTROL_SIGNAL,
  CONTROL_STOPPED,
  CONTROL_UNDONE,
  type ProfilerPlan,
} from "../core/plan.js";
import type { CoreViews } from "../core/views.js";

/**
 * How host and workers agree on a tick without messages: words in the shared memory. The host opens
 * slices one after another, workers take their items, and whoever does a slice's last one wakes the
 * host. Slices are numbered from 0 in each tick; number n lies in the place n mod `sliceCount`.
 *
 * Items are counted down, so that one word tells a worker whether an item is its own: one that comes
 * late to a place that was opened again gets an item of the new slice, and rightly.
 */
export class TickControl {
  readonly #i32: Int32Array;
  readonly #base: number;
  readonly #sliceCount: number;

  constructor(views: CoreViews, plan: ProfilerPlan) {
    this.#i32 = views.i32;
    this.#base = plan.control.ptr / 4;
    this.#sliceCount = plan.sliceCount;
  }

  // The host's side

  /** A new tick: nothing is open. No worker may be at work. */
  begin(): void {
    for (let place = 0; place < this.#sliceCount; place++) this.open(place, 0, 0);
    this.#set(CONTROL_OPENED, 0);
    this.#set(CONTROL_STOPPED, 0);
    this.#set(CONTROL_ENDED, 0);
  }

  /** @param undone of its items; the others are done already and will be passed by */
  open(place: number, itemCount: number, undone: number): void {
    this.#set(this.#word(place, CONTROL_READY), undone === 0 ? 1 : 0);
    this.#set(this.#word(place, CONTROL_UNDONE), undone);
    // Last, for whoever takes an item counts on the rest.
    this.#set(this.#word(place, CONTROL_LEFT), undone === 0 ? 0 : itemCount);
  }

  /** One slice more is open; more may come. */
  announce(): void {
    Atomics.add(this.#i32, this.#base + CONTROL_OPENED, 1);
    this.#signal();
  }

  /** No more slices come. */
  end(): void {
    this.#set(CONTROL_ENDED, 1);
    this.#signal();
  }

  get isEnded(): boolean {
    return this.#get(CONTROL_ENDED) === 1;
  }

  /** Workers take nothing more and end. */
  stop(): void {
    this.#set(CONTROL_STOPPED, 1);
    this.#signal();
  }

  /** Workers are started anew. */
  resume(): void {
    this.#set(CONTROL_STOPPED, 0);
  }

  isReady(place: number): boolean {
    // Not UNDONE: whoever did the last item has still to set this, and the place may be opened anew.
    return this.#get(this.#word(place, CONTROL_READY)) === 1;
  }

  /** Resolves when the slice is done, or when `wake` is called. */
  async ready(place: number): Promise<void> {
    const word = this.#base + this.#word(place, CONTROL_READY);
    const wait = Atomics.waitAsync(this.#i32, word, 0);
    if (wait.async) await wait.value;
  }

  /** Whoever waits for a slice looks again. */
  wake(): void {
    for (let place = 0; place < this.#sliceCount; place++) {
      Atomics.notify(this.#i32, this.#base + this.#word(place, CONTROL_READY));
    }
  }

  /** Items of all places that are not done. */
  get undone(): number {
    let undone = 0;
    for (let place = 0; place < this.#sliceCount; place++) {
      undone += this.#get(this.#word(place, CONTROL_UNDONE));
    }
    return undone;
  }

  get opened(): number {
    return this.#get(CONTROL_OPENED);
  }

  // The worker's side

  /** Waits until slice `number` is open. @returns false when there is nothing more to do */
  awaitSlice(number: number): boolean {
    for (;;) {
      const signal = this.#get(CONTROL_SIGNAL);
      if (this.#get(CONTROL_STOPPED) === 1) return false;
      if (this.#get(CONTROL_OPENED) > number) return true;
      if (this.#get(CONTROL_ENDED) === 1) return false;
      Atomics.wait(this.#i32, this.#base + CONTROL_SIGNAL, signal);
    }
  }

  /** @returns number of an item in the slice that is the caller's from now on, -1 = none is left */
  take(place: number): number {
    if (this.#get(CONTROL_STOPPED) === 1) return -1;
    const left = Atomics.sub(this.#i32, this.#base + this.#word(place, CONTROL_LEFT), 1);
    return left > 0 ? left - 1 : -1;
  }

  /** An item that was taken is done. */
  finish(place: number): void {
    const undone = Atomics.sub(this.#i32, this.#base + this.#word(place, CONTROL_UNDONE), 1);
    if (undone !== 1) return;
    const word = this.#word(place, CONTROL_READY);
    this.#set(word, 1);
    Atomics.notify(this.#i32, this.#base + word);
  }

  #signal(): void {
    Atomics.add(this.#i32, this.#base + CONTROL_SIGNAL, 1);
    Atomics.notify(this.#i32, this.#base + CONTROL_SIGNAL);
  }

  #word(place: number, field: number): number {
    return ((1 + place) * CONTROL_BYTES) / 4 + field;
  }

  #get(word: number): number {
    return Atomics.load(this.#i32, this.#base + word);
  }

  #set(word: number, value: number): void {
    Atomics.store(this.#i32, this.#base + word, value);
  }
}
