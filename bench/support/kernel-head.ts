import { ENVELOPE_ROWS, LANE_ROW_BYTES, TILE_LANES } from "../../host/core/abi.js";
import { ArenaPlan } from "../../host/core/arena.js";
import { compileBinary } from "../../host/core/binary.js";
import { type Kernel, openKernel } from "../../host/core/kernel.js";
import type { HeadCase } from "./head-case.js";

/** The same head by the core, over tiles laid out before the clock starts. */
export class KernelHead {
  readonly #case: HeadCase;
  readonly #kernel: Kernel;
  readonly #memory: WebAssembly.Memory;
  readonly #tileCount: number;
  readonly #packed: number;
  readonly #h: number;
  readonly #summary: number;
  readonly #out: number;
  readonly #scratch: number;

  constructor(headCase: HeadCase) {
    this.#case = headCase;
    const { hiddenSize, summarySize, batchSize, layers } = headCase;
    this.#tileCount = Math.ceil(batchSize / TILE_LANES);
    const module = compileBinary("shared");
    const probe = openKernel(module, new ArenaPlan(0).createMemory(true));
    const plan = new ArenaPlan(probe.arenaBase());
    const parts = layers.flatMap((layer) => [layer.weight, layer.bias]);
    const raw = parts.map((part, index) => plan.region(`raw ${index}`, part.byteLength).ptr);
    const tiles = (name: string, rows: number) =>
      plan.region(name, this.#tileCount * rows * LANE_ROW_BYTES).ptr;
    this.#packed = plan.region("packed", probe.headPackedBytes(hiddenSize, summarySize)).ptr;
    this.#h = tiles("h", hiddenSize);
    this.#summary = tiles("summary", summarySize);
    this.#out = tiles("out", ENVELOPE_ROWS);
    this.#scratch = plan.region("scratch", probe.headScratchBytes()).ptr;
    this.#memory = plan.createMemory(true);
    this.#kernel = openKernel(module, this.#memory);
    parts.forEach((part, index) => {
      new Float32Array(this.#memory.buffer, raw[index], part.length).set(part);
    });
    const [w0 = 0, b0 = 0, w1 = 0, b1 = 0, w2 = 0, b2 = 0] = raw;
    this.#kernel.packHead(w0, b0, w1, b1, w2, b2, this.#packed, hiddenSize, summarySize);
    this.#fill(this.#h, hiddenSize, 0);
    this.#fill(this.#summary, summarySize, hiddenSize);
  }

  run(): void {
    const { hiddenSize, summarySize } = this.#case;
    this.#kernel.head(
      this.#packed,
      this.#h,
      hiddenSize * LANE_ROW_BYTES,
      this.#summary,
      summarySize * LANE_ROW_BYTES,
      this.#out,
      ENVELOPE_ROWS * LANE_ROW_BYTES,
      this.#tileCount,
      hiddenSize,
      summarySize,
      this.#scratch,
    );
  }

  /** Quantiles f32[batch][48], a copy. */
  get output(): Float32Array {
    const { batchSize } = this.#case;
    const tiles = new Float32Array(
      this.#memory.buffer,
      this.#out,
      this.#tileCount * ENVELOPE_ROWS * TILE_LANES,
    );
    return Float32Array.from({ length: batchSize * ENVELOPE_ROWS }, (_, at) => {
      const index = Math.floor(at / ENVELOPE_ROWS);
      return tiles[placeOf(index, at % ENVELOPE_ROWS, ENVELOPE_ROWS)] as number;
    });
  }

  #fill(ptr: number, count: number, column: number): void {
    const { rows, batchSize, hiddenSize, summarySize } = this.#case;
    const tiles = new Float32Array(this.#memory.buffer, ptr, this.#tileCount * count * TILE_LANES);
    for (let index = 0; index < batchSize; index++) {
      for (let row = 0; row < count; row++) {
        const from = index * (hiddenSize + summarySize) + column + row;
        tiles[placeOf(index, row, count)] = rows[from] as number;
      }
    }
  }
}

function placeOf(index: number, row: number, rows: number): number {
  return (Math.floor(index / TILE_LANES) * rows + row) * TILE_LANES + (index % TILE_LANES);
}
