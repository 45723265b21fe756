/**
 * The core's memory as typed arrays, one of each kind over the whole memory, built once. Addresses
 * become indices by a shift. The memory never grows, so a view never goes stale; the getter still
 * compares the buffer, because a stale view would be silent.
 */
export class CoreViews {
  readonly #memory: WebAssembly.Memory;
  #bound: BoundViews;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#bound = bind(memory);
  }

  /** All of them at once: a loop takes them once, since comparing costs more than reading. */
  get all(): BoundViews {
    return this.#current();
  }

  get u8(): Uint8Array {
    return this.#current().u8;
  }

  get i32(): Int32Array {
    return this.#current().i32;
  }

  get u32(): Uint32Array {
    return this.#current().u32;
  }

  get f32(): Float32Array {
    return this.#current().f32;
  }

  get f64(): Float64Array {
    return this.#current().f64;
  }

  #current(): BoundViews {
    if (this.#bound.u8.buffer !== this.#memory.buffer) this.#bound = bind(this.#memory);
    return this.#bound;
  }
}

/** The same memory in five element types. */
export interface BoundViews {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

function bind(memory: WebAssembly.Memory): BoundViews {
  const { buffer } = memory;
  return {
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
  };
}
