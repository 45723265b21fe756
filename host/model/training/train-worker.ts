/** The worker's side of training: takes chunks or tiles until none is left. */

import { workerData } from "node:worker_threads";
import { LANE_ROW_BYTES } from "../../core/abi.js";
import { callKernel, openKernel } from "../../core/kernel.js";
import { RepriseError } from "../../lib/errors.js";
import { type EventTile, WindowGradient } from "./gradient.js";
import {
  CHUNK_TILES,
  LEVEL_WEIGHTS,
  ORDER_EVENT,
  ORDER_FROM_ZERO,
  ORDER_NAMELESS,
  ROUND_BYTES,
  SUMMARY_BYTES,
  TARGET_BYTES,
  TILE_WORDS,
  type TrainingLayout,
} from "./layout.js";
import { parameterLayout } from "./parameters.js";

/** Integers only; everything else lies in the shared memory. */
export interface TrainTask {
  readonly kind: "gradient" | "loss" | "stream";
  /** First entry of the order and number of entries; tiles when streaming. */
  readonly first: number;
  readonly count: number;
  /** Whether streaming goes on to the test events. */
  readonly withTest: boolean;
}

export interface TrainWorkerData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly layout: TrainingLayout;
}

const { module, memory, layout } = workerData as TrainWorkerData;
const kernel = openKernel(module, memory);
const { shape, stepCount } = layout.sizes;
const parameters = parameterLayout(shape);
const u32 = new Uint32Array(memory.buffer);
const next = new Int32Array(memory.buffer, layout.next, 1);
const stateBytes = shape.hiddenSize * LANE_ROW_BYTES;
const place = Atomics.add(new Int32Array(memory.buffer, layout.claims, 1), 0, 1);
if (place >= layout.sizes.workers) {
  throw new RepriseError("ERR_WORKER_LOST", "training has no scratch for another thread", {
    got: place + 1,
    expected: `at most ${layout.sizes.workers} threads`,
  });
}
const scratch = layout.scratch + place * layout.scratchBytes;
const window = new WindowGradient(
  { kernel, memory },
  parameters,
  { stepCount, tilesMax: CHUNK_TILES, levelWeights: LEVEL_WEIGHTS },
  scratch + 3 * stateBytes,
);

export default function runTask(task: TrainTask): void {
  const units = task.kind === "stream" ? task.count : Math.ceil(task.count / CHUNK_TILES);
  for (let unit = Atomics.add(next, 0, 1); unit < units; unit = Atomics.add(next, 0, 1)) {
    if (task.kind === "stream") streamTile(task.first + unit, task.withTest);
    else runChunk(task, unit);
  }
}

function runChunk(task: TrainTask, chunk: number): void {
  const first = task.first + chunk * CHUNK_TILES;
  const last = Math.min(first + CHUNK_TILES, task.first + task.count);
  const tiles: EventTile[] = [];
  for (let entry = first; entry < last; entry++) tiles.push(eventTile(entry));
  const result = callKernel("training", () => {
    if (task.kind === "loss") return window.loss(layout.weights, tiles);
    const block = layout.gradients + chunk * layout.gradientBytes;
    u32.fill(0, block / 4, (block + layout.gradientBytes) / 4);
    return window.run(layout.weights, block, tiles);
  });
  const losses = new Float64Array(memory.buffer, layout.losses + chunk * 16, 2);
  losses[0] = result.sum;
  losses[1] = result.terms;
}

/** Summary rows by which a net could learn instances by heart: scale and caps. */
const NAMING_ROWS = [[64, 10]] as const;

function eventTile(entry: number): EventTile {
  const word = u32[layout.order / 4 + entry] ?? 0;
  const event = word & ORDER_EVENT;
  const round = u32[layout.windows / 4 + event] ?? 0;
  return {
    x: layout.x + round * ROUND_BYTES,
    mask: layout.mask + round * LANE_ROW_BYTES,
    state: (word & ORDER_FROM_ZERO) === 0 ? layout.state + event * stateBytes : layout.zero,
    summary: layout.summary + event * SUMMARY_BYTES,
    target: layout.target + event * TARGET_BYTES,
    ...((word & ORDER_NAMELESS) === 0 ? {} : { blank: NAMING_ROWS }),
  };
}

/** Carries the state of a tile through its rounds and keeps it where windows start. */
function streamTile(tile: number, withTest: boolean): void {
  const entry = layout.tiles / 4 + tile * TILE_WORDS;
  const words = u32.subarray(entry, entry + TILE_WORDS);
  const [firstRound = 0, rounds = 0, firstEvent = 0, events = 0, untested = 0] = words;
  const lastEvent = firstEvent + (withTest ? events : untested);
  let [from, to] = [scratch, scratch + stateBytes];
  u32.fill(0, from / 4, (from + stateBytes) / 4);
  let event = firstEvent;
  for (let round = firstRound; round < firstRound + rounds; round++) {
    while (event < lastEvent && u32[layout.windows / 4 + event] === round) {
      const kept = layout.state + event * stateBytes;
      kernel.copyLaneRows(from, LANE_ROW_BYTES, kept, LANE_ROW_BYTES, shape.hiddenSize);
      event += 1;
    }
    if (event >= lastEvent) return;
    kernel.gruStep(
      layout.packed,
      layout.x + round * ROUND_BYTES,
      0,
      from,
      to,
      0,
      layout.mask + round * LANE_ROW_BYTES,
      0,
      1,
      shape.inputSize,
      shape.hiddenSize,
      scratch + 2 * stateBytes,
    );
    [from, to] = [to, from];
  }
}
