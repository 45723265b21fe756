/**
 * What do taking a sample and summing up an instance's history cost?
 *
 * Goals: `ingest` and `features` for 1,024 instances beside the float64 classes that tests compare
 * them with. Non-goals: a rival tuned for speed; the classes are written to be read.
 */
import * as abi from "../host/core/abi.js";
import { ArenaPlan } from "../host/core/arena.js";
import { compileBinary } from "../host/core/binary.js";
import { type Kernel, openKernel } from "../host/core/kernel.js";
import { referenceFeatures } from "../host/model/reference-features.js";
import { ReferenceSummary } from "../host/model/reference-summary.js";
import { seededFloats } from "./support/data.js";
import { type BenchCase, benchMain } from "./support/harness.js";

const START_SECONDS = 1_380_585_600;
const STEP_SECONDS = 300;
/** A day of samples is there before anything is timed. */
const WARM_STEPS = 288;
const TILE_BYTES = abi.TILE_HIDDEN + 6_144;
const NO_CAPS = [Number.NaN, Number.NaN, Number.NaN, Number.NaN];

function ingestCase(count: number): BenchCase {
  return {
    name: `ingest, ${count} instances`,
    unit: "instances",
    unitsPerCall: count,
    tolerance: 2e-3,
    rival: "float64 classes",
    open: () => {
      const core = new CoreSummaries(count);
      const plain = new PlainSummaries(count);
      return {
        variants: [
          { name: "kernel", call: () => core.ingest(), output: () => core.inputs() },
          { name: "float64 classes", call: () => plain.ingest(), output: () => plain.inputs },
        ],
      };
    },
  };
}

function featuresCase(count: number): BenchCase {
  return {
    name: `features, ${count} instances`,
    unit: "instances",
    unitsPerCall: count,
    // A maximum may lie one of its steps off where rounding decides.
    tolerance: 0.09,
    rival: "float64 classes",
    open: () => {
      const core = new CoreSummaries(count);
      const plain = new PlainSummaries(count);
      return {
        variants: [
          { name: "kernel", call: () => core.features(), output: () => core.rows() },
          { name: "float64 classes", call: () => plain.features(), output: () => plain.rows },
        ],
      };
    },
  };
}

/** Values of one step, the same for both sides. */
function valuesOf(count: number): Float32Array {
  return seededFloats(7, count * 4, { min: 0.05, max: 4 });
}

/** The values of a step, turned a little from step to step. */
function valueAt(values: Float32Array, step: number, index: number): number {
  return values[(index + step * 4) % values.length] ?? 0;
}

class CoreSummaries {
  readonly #count: number;
  readonly #values: Float32Array;
  readonly #kernel: Kernel;
  readonly #view: DataView;
  readonly #floats: Float32Array;
  readonly #state: number;
  readonly #inbox: number;
  readonly #x: number;
  readonly #mask: number;
  readonly #rows: number;
  #step = 0;

  constructor(count: number) {
    this.#count = count;
    this.#values = valuesOf(count);
    const module = compileBinary("shared");
    const pages = { initial: 1, maximum: 1, shared: true };
    const arena = new ArenaPlan(openKernel(module, new WebAssembly.Memory(pages)).arenaBase());
    const tiles = this.#tiles;
    this.#state = arena.region("state", tiles * TILE_BYTES).ptr;
    this.#inbox = arena.region("inbox", tiles * abi.INBOX_TILE_BYTES).ptr;
    this.#x = arena.region("x", tiles * abi.INPUT_ROWS * 32).ptr;
    this.#mask = arena.region("mask", tiles * 32).ptr;
    this.#rows = arena.region("rows", tiles * abi.SUMMARY_ROWS * 32).ptr;
    const memory = arena.createMemory(true);
    this.#kernel = openKernel(module, memory);
    this.#view = new DataView(memory.buffer);
    this.#floats = new Float32Array(memory.buffer);
    // Nothing but the four resources is known: no caps, no peaks, no connections, no launch time.
    for (let tile = 0; tile < tiles; tile++) {
      const caps = (this.#state + tile * TILE_BYTES + abi.TILE_CAP) / 4;
      this.#floats.fill(Number.NaN, caps, caps + 32);
      const inbox = this.#inbox + tile * abi.INBOX_TILE_BYTES;
      this.#floats.fill(Number.NaN, (inbox + abi.INBOX_CPU_PEAK) / 4, (inbox + 320) / 4);
    }
    while (this.#step < WARM_STEPS) this.ingest();
  }

  get #tiles(): number {
    return this.#count / 8;
  }

  ingest(): void {
    this.#step += 1;
    this.#offer();
    this.#kernel.ingest(
      this.#state,
      TILE_BYTES,
      this.#inbox,
      abi.INBOX_TILE_BYTES,
      this.#x,
      abi.INPUT_ROWS * 32,
      this.#mask,
      32,
      this.#tiles,
    );
  }

  #offer(): void {
    for (let slot = 0; slot < this.#count; slot++) {
      const inbox = this.#inbox + (slot >> 3) * abi.INBOX_TILE_BYTES;
      const lane = slot & 7;
      const time = START_SECONDS + this.#step * STEP_SECONDS;
      this.#view.setFloat64(inbox + abi.INBOX_TIME + lane * 8, time, true);
      const at = (inbox + abi.INBOX_VALUES) / 4 + lane * 4;
      for (let resource = 0; resource < 4; resource++) {
        this.#floats[at + resource] = valueAt(this.#values, this.#step, slot * 4 + resource);
      }
      this.#view.setUint32(inbox + abi.INBOX_FLAGS + lane * 4, abi.PENDING_SAMPLE, true);
    }
  }

  features(): void {
    const rowBytes = abi.SUMMARY_ROWS * 32;
    this.#kernel.features(
      this.#state,
      TILE_BYTES,
      this.#rows,
      rowBytes,
      this.#tiles,
      Number.NaN,
      10,
    );
  }

  inputs(): Float32Array {
    return this.#floats.slice(this.#x / 4, this.#x / 4 + this.#count * abi.INPUT_ROWS);
  }

  rows(): Float32Array {
    return this.#floats.slice(this.#rows / 4, this.#rows / 4 + this.#count * abi.SUMMARY_ROWS);
  }
}

class PlainSummaries {
  readonly inputs: Float32Array;
  readonly rows: Float32Array;
  readonly #values: Float32Array;
  readonly #summaries: ReferenceSummary[];
  #step = 0;

  constructor(count: number) {
    this.#values = valuesOf(count);
    this.#summaries = Array.from({ length: count }, () => new ReferenceSummary());
    this.inputs = new Float32Array(count * abi.INPUT_ROWS);
    this.rows = new Float32Array(count * abi.SUMMARY_ROWS);
    while (this.#step < WARM_STEPS) this.ingest();
  }

  ingest(): void {
    this.#step += 1;
    const timeSeconds = START_SECONDS + this.#step * STEP_SECONDS;
    this.#summaries.forEach((summary, slot) => {
      const values = [0, 1, 2, 3].map((r) => valueAt(this.#values, this.#step, slot * 4 + r));
      store(this.inputs, slot, summary.ingest({ timeSeconds, values, restart: false }));
    });
  }

  features(): void {
    const cut = { atSeconds: Number.NaN, outageMinutes: 10, caps: NO_CAPS, interruptions: 0 };
    this.#summaries.forEach((summary, slot) => {
      store(this.rows, slot, referenceFeatures(summary, cut));
    });
  }
}

/** One instance's column of its tile. */
function store(tiles: Float32Array, slot: number, column: Float64Array): void {
  const base = (slot >> 3) * column.length * 8 + (slot & 7);
  for (let row = 0; row < column.length; row++) tiles[base + row * 8] = column[row] ?? 0;
}

await benchMain({
  name: "summary",
  question: "What do taking a sample and summing up an instance's history cost?",
  binaries: ["shared"],
  cases: ({ smoke }) => [ingestCase(smoke ? 16 : 1_024), featuresCase(smoke ? 16 : 1_024)],
});
