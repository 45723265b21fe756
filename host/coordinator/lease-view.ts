/** The room of every node for leases of the same spans, kept while the rooms change. */
import { NEED_COLUMNS, needColumn, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { RoomList } from "./need.js";
import type { LeaseSpans } from "./rooms.js";

export class LeaseView implements RoomList {
  readonly spans: LeaseSpans;
  readonly length: number;
  /** Of the bands, by node. */
  readonly #roomOf: (index: number) => Readonly<Float64Array>;
  /** Most are never asked for. */
  readonly #rows: (Float64Array | undefined)[];
  readonly #isFresh: Uint8Array;

  constructor(
    spans: LeaseSpans,
    length: number,
    roomOf: (index: number) => Readonly<Float64Array>,
  ) {
    this.spans = spans;
    this.length = length;
    this.#roomOf = roomOf;
    this.#rows = new Array<Float64Array | undefined>(length).fill(undefined);
    this.#isFresh = new Uint8Array(length);
  }

  /** Resource x phase of the lease; read only, and of the moment. */
  at(index: number): Float64Array | undefined {
    if (index < 0 || index >= this.length) return undefined;
    const row = this.#rows[index] ?? new Float64Array(NEED_COLUMNS);
    if (this.#isFresh[index] === 0) {
      leastInBands(this.#roomOf(index), this.spans, row);
      this.#rows[index] = row;
      this.#isFresh[index] = 1;
    }
    return row;
  }

  /** The room of the node is about to change. */
  forget(index: number): void {
    this.#isFresh[index] = 0;
  }

  forgetAll(): void {
    this.#isFresh.fill(0);
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
