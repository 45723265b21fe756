/**
 * Writes what a net hears before each virtual cut as one safetensors file, for trying other nets than
 * ours (`recurrence.py` beside this). Windows start from nothing, not from a carried state, so that
 * every net sees the same.
 *
 *     node build/js/bench/calibration/windows.js DATA OUT [--steps 36] [--cuts 200] [--seed 2]
 *
 * Tensors, N instances at a cut: `x` f32[N][steps][16], oldest first, zeros before the first sample;
 * `summary` f32[N][96]; `target` f32[N][12], asinh(peak / scale), NaN where there is no truth; `set`
 * f32[N]: 0 = trains, 1 = the same VMs in days 54-61, 2 = other VMs. No test day is among them.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { INPUT_ROWS, NEED_COLUMNS, TILE_LANES } from "../../host/core/abi.js";
import { serializeTensors, type Tensor } from "../../host/model/safetensors.js";
import type { EventRecord } from "../../host/model/training/dataset.js";
import { ROUND_BYTES, SUMMARY_BYTES, TARGET_BYTES } from "../../host/model/training/layout.js";
import { loadSeries } from "../../host/model/training/load.js";
import {
  openSession,
  type TrainingSession,
  WINDOW_STEPS,
} from "../../host/model/training/session.js";

const SUMMARY_HEARD = 96;
const SCORED = 30;
const SETS = { trains: 0, later: 1, others: 2 } as const;

/** The windows of a session, one instance at a time. */
class Windows {
  readonly #session: TrainingSession;
  readonly #f32: Float32Array;
  readonly #u32: Uint32Array;
  readonly x: Float32Array;
  readonly summary: Float32Array;
  readonly target: Float32Array;
  readonly set: Float32Array;
  count = 0;

  constructor(session: TrainingSession) {
    const { memory, layout, records } = session;
    const most = records.length * TILE_LANES;
    this.#session = session;
    this.#f32 = new Float32Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer);
    this.x = new Float32Array(most * layout.sizes.stepCount * INPUT_ROWS);
    this.summary = new Float32Array(most * SUMMARY_HEARD);
    this.target = new Float32Array(most * NEED_COLUMNS);
    this.set = new Float32Array(most);
    for (const record of records) if (record.cut.set !== "test") this.#event(record);
  }

  #event(record: EventRecord): void {
    const { groups, layout } = this.#session;
    const others = record.tile >= groups.trained;
    const kind = others ? SETS.others : record.cut.set === "train" ? SETS.trains : SETS.later;
    const lanes = this.#session.tiles[record.tile]?.series.length ?? 0;
    for (let lane = 0; lane < lanes; lane++) {
      const at = layout.target + record.event * TARGET_BYTES;
      const target = this.#column(at, NEED_COLUMNS, lane);
      if (target.every(Number.isNaN)) continue;
      const summary = layout.summary + record.event * SUMMARY_BYTES;
      this.target.set(target, this.count * NEED_COLUMNS);
      this.summary.set(this.#column(summary, SUMMARY_HEARD, lane), this.count * SUMMARY_HEARD);
      this.#window(record.event, lane);
      this.set[this.count++] = kind;
    }
  }

  /** The samples that this lane had in its window, the newest last. */
  #window(event: number, lane: number): void {
    const { layout } = this.#session;
    const { stepCount } = layout.sizes;
    const first = this.#u32[layout.windows / 4 + event] ?? 0;
    let to = stepCount;
    for (let step = stepCount - 1; step >= 0; step--) {
      const round = first + step;
      if (this.#u32[layout.mask / 4 + round * TILE_LANES + lane] === 0) continue;
      const row = this.#column(layout.x + round * ROUND_BYTES, INPUT_ROWS, lane);
      this.x.set(row, (this.count * stepCount + --to) * INPUT_ROWS);
    }
  }

  #column(from: number, rows: number, lane: number): Float32Array {
    return Float32Array.from(
      { length: rows },
      (_, row) => this.#f32[from / 4 + row * TILE_LANES + lane] ?? 0,
    );
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      steps: { type: "string", default: String(WINDOW_STEPS) },
      cuts: { type: "string", default: "200" },
      seed: { type: "string", default: "2" },
    },
    allowPositionals: true,
  });
  const [data, out] = positionals;
  if (data === undefined || out === undefined) throw new Error("usage: windows DATA OUT");
  const stepCount = Number(values.steps);
  const { seen } = await loadSeries(data);
  const session = openSession(
    { seen, unseen: [] },
    {
      shape: { inputSize: INPUT_ROWS, hiddenSize: 32, summarySize: 112 },
      seed: Number(values.seed),
      cutsPerInstance: Number(values.cuts),
      scoredCuts: SCORED,
      stepCount,
      batchTiles: 8,
      workers: 1,
    },
  );
  const windows = new Windows(session);
  const { count } = windows;
  const tensor = (data: Float32Array, ...shape: number[]): Tensor => ({
    dtype: "F32",
    shape: [count, ...shape],
    data: data.subarray(
      0,
      shape.reduce((size, n) => size * n, count),
    ),
  });
  const tensors = new Map([
    ["x", tensor(windows.x, stepCount, INPUT_ROWS)],
    ["summary", tensor(windows.summary, SUMMARY_HEARD)],
    ["target", tensor(windows.target, NEED_COLUMNS)],
    ["set", tensor(windows.set)],
  ]);
  writeFileSync(out, serializeTensors(tensors, {}));
  console.log(`${count} windows of ${stepCount} steps in ${out}`);
}

await main();
