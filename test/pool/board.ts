import { compileBinary, type Kernel, openKernel } from "../../host/core/index.js";

/** Binaries that every pool test runs on. */
export const BINARIES = ["release", "shared", "debug"] as const;

const GAP_BYTES = 64;
const CANARY = 0xa5;

/**
 * Memory for one kernel call: inputs and outputs with canaries between them. `check` fails when
 * any byte outside the declared outputs changed.
 */
export class Board {
  readonly kernel: Kernel;
  readonly #memory: WebAssembly.Memory;
  #end: number;
  readonly #outputs: { ptr: number; bytes: number }[] = [];
  #before = new Uint8Array(0);

  constructor(module: WebAssembly.Module, shared: boolean, pages = 8) {
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    this.kernel = openKernel(module, this.#memory);
    this.#end = 0;
    this.reset();
  }

  reset(): void {
    const base = this.kernel.arenaBase();
    new Uint8Array(this.#memory.buffer).fill(CANARY, base);
    this.#end = base + GAP_BYTES;
    this.#outputs.length = 0;
  }

  #take(bytes: number): number {
    const ptr = this.#end;
    this.#end = Math.ceil((ptr + bytes + GAP_BYTES) / 16) * 16;
    if (this.#end > this.#memory.buffer.byteLength) throw new Error("board is full");
    return ptr;
  }

  /** A table of f32 rows; padding holds `padding`, so a kernel that counts it is caught. */
  table(rows: readonly (readonly number[])[], strideBytes: number, padding: number): number {
    const ptr = this.#take(rows.length * strideBytes);
    const width = strideBytes / 4;
    const view = new Float32Array(this.#memory.buffer, ptr, rows.length * width).fill(padding);
    for (const [index, row] of rows.entries()) view.set(row, index * width);
    return ptr;
  }

  floats(values: readonly number[]): number {
    const ptr = this.#take(values.length * 4);
    new Float32Array(this.#memory.buffer, ptr, values.length).set(values);
    return ptr;
  }

  doubles(values: readonly number[]): number {
    const ptr = this.#take(values.length * 8);
    new Float64Array(this.#memory.buffer, ptr, values.length).set(values);
    return ptr;
  }

  /** Writes doubles where some are already. */
  write(ptr: number, values: readonly number[]): void {
    new Float64Array(this.#memory.buffer, ptr, values.length).set(values);
  }

  words(values: readonly number[]): number {
    const ptr = this.#take(values.length * 4);
    new Int32Array(this.#memory.buffer, ptr, values.length).set(values);
    return ptr;
  }

  output(bytes: number): number {
    const ptr = this.#take(bytes);
    this.#outputs.push({ ptr, bytes });
    return ptr;
  }

  /** Declares a part of a region as written: bytes [ptr, ptr + bytes). */
  mayWrite(ptr: number, bytes: number): void {
    this.#outputs.push({ ptr, bytes });
  }

  /** Room for an output that is only partly written; declare the parts by `mayWrite`. */
  space(bytes: number): number {
    return this.#take(bytes);
  }

  snapshot(): void {
    this.#before = new Uint8Array(this.#memory.buffer).slice();
  }

  check(): void {
    const after = new Uint8Array(this.#memory.buffer).slice();
    for (const { ptr, bytes } of this.#outputs) {
      after.set(this.#before.subarray(ptr, ptr + bytes), ptr);
    }
    if (Buffer.compare(after, this.#before) !== 0) {
      const at = after.findIndex((byte, index) => byte !== this.#before[index]);
      throw new Error(`byte ${at} outside the outputs changed`);
    }
  }

  readI32(ptr: number, count: number): number[] {
    return [...new Int32Array(this.#memory.buffer, ptr, count)];
  }

  readF32(ptr: number, count: number): number[] {
    return [...new Float32Array(this.#memory.buffer, ptr, count)];
  }

  readF64(ptr: number, count: number): number[] {
    return [...new Float64Array(this.#memory.buffer, ptr, count)];
  }

  readU8(ptr: number, count: number): number[] {
    return [...new Uint8Array(this.#memory.buffer, ptr, count)];
  }
}

export function openBoards(): { name: string; board: Board }[] {
  return BINARIES.map((name) => ({
    name,
    board: new Board(compileBinary(name), name === "shared", 24),
  }));
}

/** Bytes of a row that holds whole vectors of 4. */
export function strideBytesOf(nodeCount: number, extra = 0): number {
  return (Math.ceil(Math.max(nodeCount, 1) / 4) * 4 + extra * 4) * 4;
}
