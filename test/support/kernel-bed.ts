/**
 * A core over a memory of its own, filled with a pattern. Regions are laid out one after another
 * with a guard between them; `run` compares every byte outside the declared outputs with what was
 * there before the call.
 */
import { type BinaryName, compileBinary } from "../../host/core/binary.js";
import { type Kernel, openKernel } from "../../host/core/kernel.js";

const GUARD_BYTES = 64;
const PAGE_BYTES = 65_536;
const PATTERN = 0xa5;

const modules = new Map<BinaryName, WebAssembly.Module>();

function moduleOf(name: BinaryName): WebAssembly.Module {
  const known = modules.get(name);
  if (known !== undefined) return known;
  const compiled = compileBinary(name);
  modules.set(name, compiled);
  return compiled;
}

export interface BedRegion {
  readonly ptr: number;
  readonly bytes: number;
}

export class KernelBed {
  readonly kernel: Kernel;
  readonly #memory: WebAssembly.Memory;
  readonly #bytes: Uint8Array;
  #end: number;

  constructor(name: BinaryName, pages = 64) {
    const shared = name === "shared" || name === "relaxed";
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    this.kernel = openKernel(moduleOf(name), this.#memory);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#end = this.kernel.arenaBase();
    this.#bytes.fill(PATTERN, this.#end);
  }

  /** Reserves bytes, aligned to 16, with a guard before and after. */
  alloc(bytes: number): BedRegion {
    const ptr = Math.ceil((this.#end + GUARD_BYTES) / 16) * 16;
    this.#end = ptr + bytes;
    if (this.#end + GUARD_BYTES > this.#bytes.length) {
      throw new RangeError(`bed of ${this.#bytes.length / PAGE_BYTES} pages is full`);
    }
    return { ptr, bytes };
  }

  /** Reserves and fills f32 values. */
  put(values: ArrayLike<number>): BedRegion {
    const region = this.alloc(values.length * 4);
    this.floats(region).set(values);
    return region;
  }

  floats(region: BedRegion): Float32Array {
    return new Float32Array(this.#memory.buffer, region.ptr, region.bytes >> 2);
  }

  words(region: BedRegion): Uint32Array {
    return new Uint32Array(this.#memory.buffer, region.ptr, region.bytes >> 2);
  }

  /** Calls and fails when a byte outside `outputs` changed. */
  run(outputs: readonly BedRegion[], call: (kernel: Kernel) => void): void {
    const before = this.#bytes.slice();
    call(this.kernel);
    const after = this.#bytes.slice();
    for (const { ptr, bytes } of outputs) {
      before.fill(0, ptr, ptr + bytes);
      after.fill(0, ptr, ptr + bytes);
    }
    if (Buffer.compare(before, after) !== 0) {
      const at = after.findIndex((value, index) => value !== before[index]);
      throw new Error(`the kernel changed byte ${at}, outside its outputs`);
    }
  }
}

/** Instances [batch][rows] to tiles f32[rows][8], missing lanes zero. */
export function toTiles(batch: readonly ArrayLike<number>[], rows: number): Float32Array {
  const tiles = Math.ceil(batch.length / 8);
  const out = new Float32Array(tiles * rows * 8);
  batch.forEach((values, index) => {
    const base = (index >> 3) * rows * 8 + (index & 7);
    for (let row = 0; row < rows; row++) out[base + row * 8] = values[row] ?? 0;
  });
  return out;
}

/** The way back: tiles f32[rows][8] to [batch][rows]. */
export function fromTiles(tiles: Float32Array, rows: number, batch: number): Float32Array[] {
  return Array.from({ length: batch }, (_, index) => {
    const base = (index >> 3) * rows * 8 + (index & 7);
    return Float32Array.from({ length: rows }, (_unused, row) => tiles[base + row * 8] ?? 0);
  });
}

/** Equal to the bit, 0 and -0 apart. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  const left = new Uint32Array(Float32Array.from(a).buffer);
  const right = new Uint32Array(Float32Array.from(b).buffer);
  return left.every((word, index) => word === right[index]);
}
