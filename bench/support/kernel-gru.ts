import { LANE_ROW_BYTES, TILE_LANES } from "../../host/core/abi.js";
import { ArenaPlan } from "../../host/core/arena.js";
import { type BinaryName, compileBinary } from "../../host/core/binary.js";
import { type Kernel, openKernel } from "../../host/core/kernel.js";
import type { GruCase } from "./gru-case.js";

/**
 * The same GRU by the core's kernels. Inputs are laid out in tiles before the clock starts, as the
 * profiler keeps them; one call a step, all tiles at once. A single instance uses `gruStepOne`.
 */
export class KernelGru {
  readonly #case: GruCase;
  readonly #kernel: Kernel;
  readonly #memory: WebAssembly.Memory;
  readonly #packed: number;
  readonly #scratch: number;
  readonly #input: number;
  /** Initial state and two halves that the steps alternate between. */
  readonly #state: number;
  readonly #stateBytes: number;
  readonly #tileCount: number;
  #result = 0;

  constructor(gruCase: GruCase, binary: BinaryName = "shared") {
    this.#case = gruCase;
    const { inputSize, hiddenSize, batchSize, stepCount } = gruCase;
    this.#tileCount = Math.ceil(batchSize / TILE_LANES);
    const isOne = batchSize === 1;
    const rowBytes = isOne ? 4 : this.#tileCount * LANE_ROW_BYTES;
    this.#stateBytes = Math.max(64, hiddenSize * rowBytes);

    const module = compileBinary(binary);
    const isShared = binary === "shared" || binary === "relaxed";
    const probe = openKernel(module, new ArenaPlan(0).createMemory(isShared));
    const packedBytes = isOne
      ? probe.gruOnePackedBytes(inputSize, hiddenSize)
      : probe.gruPackedBytes(inputSize, hiddenSize);

    const plan = new ArenaPlan(probe.arenaBase());
    const { weightIh, weightHh, biasIh, biasHh } = gruCase;
    const parts = [weightIh, weightHh, biasIh, biasHh];
    const raw = parts.map((part, index) => plan.region(`raw ${index}`, part.byteLength).ptr);
    this.#packed = plan.region("packed", packedBytes).ptr;
    this.#scratch = plan.region("scratch", hiddenSize * LANE_ROW_BYTES).ptr;
    this.#input = plan.region("input", stepCount * inputSize * rowBytes).ptr;
    this.#state = plan.region("state", 3 * this.#stateBytes).ptr;
    this.#memory = plan.createMemory(isShared);
    this.#kernel = openKernel(module, this.#memory);

    for (const [index, part] of parts.entries()) {
      new Float32Array(this.#memory.buffer, raw[index], part.length).set(part);
    }
    const [ih = 0, hh = 0, bi = 0, bh = 0] = raw;
    const pack = isOne ? this.#kernel.packGruOne : this.#kernel.packGru;
    pack(ih, hh, bi, bh, this.#packed, inputSize, hiddenSize);
    this.#fill();
  }

  get kernel(): Kernel {
    return this.#kernel;
  }

  /** All steps from the case's initial state; the result is `output`. */
  run(): void {
    const { inputSize, hiddenSize, batchSize, stepCount } = this.#case;
    const tileCount = this.#tileCount;
    const xStride = inputSize * LANE_ROW_BYTES;
    const hStride = hiddenSize * LANE_ROW_BYTES;
    const stepBytes = batchSize === 1 ? inputSize * 4 : tileCount * xStride;
    const kernel = this.#kernel;
    const packed = this.#packed;
    let x = this.#input;
    let from = this.#state;
    let to = this.#state + this.#stateBytes;
    for (let step = 0; step < stepCount; step++) {
      if (batchSize === 1)
        kernel.gruStepOne(packed, x, from, to, inputSize, hiddenSize, this.#scratch);
      else {
        kernel.gruStep(
          packed,
          x,
          xStride,
          from,
          to,
          hStride,
          0,
          0,
          tileCount,
          inputSize,
          hiddenSize,
          this.#scratch,
        );
      }
      x += stepBytes;
      const used = from;
      from = to;
      // The initial state stays as it is for the next run.
      to = used === this.#state ? this.#state + 2 * this.#stateBytes : used;
    }
    this.#result = from;
  }

  /** f32[batch][hidden], a copy */
  get output(): Float32Array {
    const { hiddenSize, batchSize } = this.#case;
    const rows = new Float32Array(batchSize * hiddenSize);
    const state = new Float32Array(this.#memory.buffer, this.#result, this.#stateBytes / 4);
    for (let index = 0; index < batchSize; index++) {
      for (let unit = 0; unit < hiddenSize; unit++) {
        rows[index * hiddenSize + unit] = state[this.#place(index, unit, hiddenSize)] as number;
      }
    }
    return rows;
  }

  #fill(): void {
    const { inputSize, hiddenSize, batchSize, stepCount, input, state } = this.#case;
    const lanes = batchSize === 1 ? 1 : this.#tileCount * TILE_LANES;
    const x = new Float32Array(this.#memory.buffer, this.#input, stepCount * lanes * inputSize);
    const h = new Float32Array(this.#memory.buffer, this.#state, this.#stateBytes / 4);
    for (let index = 0; index < batchSize; index++) {
      for (let step = 0; step < stepCount; step++) {
        const from = (step * batchSize + index) * inputSize;
        for (let k = 0; k < inputSize; k++) {
          const at = step * lanes * inputSize + this.#place(index, k, inputSize);
          x[at] = input[from + k] as number;
        }
      }
      for (let unit = 0; unit < hiddenSize; unit++) {
        h[this.#place(index, unit, hiddenSize)] = state[index * hiddenSize + unit] as number;
      }
    }
  }

  /** Where a row of an instance lies, in floats: lane rows in tiles, or plain for one instance. */
  #place(index: number, row: number, rowCount: number): number {
    if (this.#case.batchSize === 1) return row;
    const tile = Math.floor(index / TILE_LANES);
    return (tile * rowCount + row) * TILE_LANES + (index % TILE_LANES);
  }
}
