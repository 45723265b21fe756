/** The room of every node for leases of the same spans, kept while the rooms change. */
import { NEED_COLUMNS, needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { rowsOf } from "./node-table.js";
import type { LeaseSpans } from "./rooms.js";

export class LeaseView {
  readonly spans: LeaseSpans;
  /** Of the bands. */
  readonly #room: readonly Readonly<Float64Array>[];
  readonly #rows: readonly Float64Array[];
  /** Nodes whose row has to be worked out again. */
  readonly #stale: number[] = [];
  readonly #isStale: Uint8Array;

  constructor(spans: LeaseSpans, room: readonly Readonly<Float64Array>[]) {
    this.spans = spans;
    this.#room = room;
    this.#rows = rowsOf(new Float64Array(room.length * NEED_COLUMNS));
    this.#isStale = new Uint8Array(room.length);
    this.forgetAll();
  }

  /** Resource x phase of the lease, node by node; of the moment. */
  rows(): readonly Float64Array[] {
    for (const index of this.#stale) {
      const [room, row] = [this.#room[index], this.#rows[index]];
      if (room !== undefined && row !== undefined) leastInBands(room, this.spans, row);
      this.#isStale[index] = 0;
    }
    this.#stale.length = 0;
    return this.#rows;
  }

  /** The room of the node is about to change. */
  forget(index: number): void {
    if (this.#isStale[index] === 1) return;
    this.#isStale[index] = 1;
    this.#stale.push(index);
  }

  forgetAll(): void {
    for (let index = 0; index < this.#room.length; index++) this.forget(index);
  }
}

function leastInBands(room: Readonly<Float64Array>, spans: LeaseSpans, into: Float64Array): void {
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    const bands = spans[phase] ?? [];
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      let least = Number.POSITIVE_INFINITY;
      for (let index = 0; index < bands.length; index++) {
        const value = room[needColumn(resource, bands[index] ?? 0)] ?? 0;
        if (value < least) least = value;
      }
      into[needColumn(resource, phase)] = least;
    }
  }
}
