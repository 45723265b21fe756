import { ArenaPlan } from "../../host/core/arena.js";
import { type BinaryName, compileBinary } from "../../host/core/binary.js";
import { openKernel } from "../../host/core/kernel.js";
import { type ReferenceCase, referenceGradient } from "../../host/model/reference-gradient.js";
import { type EventTile, WindowGradient } from "../../host/model/training/gradient.js";
import {
  HEAD_SIZES,
  initialParameters,
  type NetShape,
  parameterLayout,
} from "../../host/model/training/parameters.js";
import { seededFloats } from "./data.js";

const LANES = 8;
const ROW_BYTES = 4 * LANES;
const NEEDS = 12;

export interface TrainShape extends NetShape {
  readonly stepCount: number;
  readonly tileCount: number;
}

/**
 * Products and sums of one batch's loss and gradient: forward, weight gradients of the same size,
 * and the slopes that are carried back (none into inputs and summary). Multiply-adds count twice.
 */
export function trainFlops(shape: TrainShape): number {
  const { inputSize, hiddenSize, summarySize, stepCount, tileCount } = shape;
  const [first, second, third] = HEAD_SIZES;
  const step = 3 * hiddenSize * (2 * inputSize + 3 * hiddenSize);
  const head = first * (2 * summarySize + 3 * hiddenSize) + 3 * second * (first + third);
  return 2 * LANES * tileCount * (stepCount * step + head);
}

/** One batch in the core's memory, and its loss and gradient by the core's kernels. */
export class KernelTrainStep {
  readonly #gradient: Float32Array;
  readonly #window: WindowGradient;
  readonly #weightsPtr: number;
  readonly #gradientPtr: number;
  readonly #tiles: readonly EventTile[];

  constructor(shape: TrainShape, binary: BinaryName = "shared") {
    const { inputSize, hiddenSize, summarySize, stepCount, tileCount } = shape;
    const layout = parameterLayout(shape);
    const plan = new ArenaPlan(4_096);
    const rows = (name: string, count: number) =>
      plan.region(name, tileCount * count * ROW_BYTES).ptr;
    const weights = plan.region("weights", layout.count * 4).ptr;
    const gradient = plan.region("gradient", layout.count * 4).ptr;
    const x = rows("x", stepCount * inputSize);
    const mask = rows("mask", stepCount);
    const state = rows("state", hiddenSize);
    const summary = rows("summary", summarySize);
    const target = rows("target", NEEDS);
    const scratchBytes = WindowGradient.scratchBytes(layout, stepCount, tileCount);
    const scratch = plan.region("scratch", scratchBytes).ptr;
    const memory = plan.createMemory(binary !== "release" && binary !== "debug");
    const kernel = openKernel(compileBinary(binary), memory);
    const floats = new Float32Array(memory.buffer);
    floats.set(trainParameters(shape), weights / 4);
    const { inputs, states, summaries, targets } = trainData(shape);
    floats.set(inputs, x / 4);
    floats.set(states, state / 4);
    floats.set(summaries, summary / 4);
    floats.set(targets, target / 4);
    new Uint32Array(memory.buffer).fill(
      0xffff_ffff,
      mask / 4,
      mask / 4 + tileCount * stepCount * 8,
    );
    this.#gradient = floats.subarray(gradient / 4, gradient / 4 + layout.count);
    this.#window = new WindowGradient(
      { kernel, memory },
      layout,
      { stepCount, tilesMax: tileCount },
      scratch,
    );
    this.#weightsPtr = weights;
    this.#gradientPtr = gradient;
    this.#tiles = Array.from({ length: tileCount }, (_, tile) => ({
      x: x + tile * stepCount * inputSize * ROW_BYTES,
      mask: mask + tile * stepCount * ROW_BYTES,
      state: state + tile * hiddenSize * ROW_BYTES,
      summary: summary + tile * summarySize * ROW_BYTES,
      target: target + tile * NEEDS * ROW_BYTES,
    }));
  }

  run(): void {
    this.#gradient.fill(0);
    this.#window.run(this.#weightsPtr, this.#gradientPtr, this.#tiles);
  }

  /** f32[parameters], summed over the batch */
  get output(): Float32Array {
    return this.#gradient;
  }
}

/** The same batch by the float64 reference, one event after another. */
export class ReferenceTrainStep {
  readonly output: Float64Array;
  readonly #shape: TrainShape;
  readonly #parameters: ReadonlyMap<string, Float64Array>;
  readonly #events: readonly ReferenceCase[];

  constructor(shape: TrainShape) {
    const layout = parameterLayout(shape);
    const block = trainParameters(shape);
    this.#shape = shape;
    this.#parameters = new Map(
      layout.tensors.map(({ name, offset, count }) => [
        name,
        Float64Array.from(block.subarray(offset, offset + count)),
      ]),
    );
    this.#events = Array.from({ length: shape.tileCount * LANES }, (_, index) =>
      eventOf(shape, index),
    );
    this.output = new Float64Array(layout.count);
  }

  run(): void {
    this.output.fill(0);
    const { tensors } = parameterLayout(this.#shape);
    for (const event of this.#events) {
      const { gradient } = referenceGradient(this.#parameters, event);
      for (const { name, offset } of tensors) {
        gradient.get(name)?.forEach((value, index) => {
          this.output[offset + index] = (this.output[offset + index] as number) + value;
        });
      }
    }
  }
}

/** Weights of every layer drawn: training's own first weights have an output layer of zeros. */
function trainParameters(shape: TrainShape): Float32Array {
  const layout = parameterLayout(shape);
  const values = initialParameters(layout, 1);
  const last = layout.tensors.find(({ name }) => name === "head.4.weight");
  if (last !== undefined)
    values.set(seededFloats(2, last.count, { min: -0.1, max: 0.1 }), last.offset);
  return values;
}

function trainData({ inputSize, hiddenSize, summarySize, stepCount, tileCount }: TrainShape) {
  const lanes = tileCount * LANES;
  return {
    inputs: seededFloats(3, lanes * stepCount * inputSize, { min: -1, max: 1 }),
    states: seededFloats(4, lanes * hiddenSize, { min: -1, max: 1 }),
    summaries: seededFloats(5, lanes * summarySize, { min: -1, max: 1 }),
    targets: seededFloats(6, lanes * NEEDS, { min: -3, max: 3 }),
  };
}

function eventOf(shape: TrainShape, index: number): ReferenceCase {
  const { inputSize, hiddenSize, summarySize, stepCount } = shape;
  const { inputs, states, summaries, targets } = trainData(shape);
  const tile = Math.floor(index / LANES);
  const column = (values: Float32Array, first: number, rows: number) =>
    Float64Array.from(
      { length: rows },
      (_, row) => values[(first + row) * LANES + (index % LANES)] ?? 0,
    );
  return {
    x: Array.from({ length: stepCount }, (_, step) =>
      column(inputs, (tile * stepCount + step) * inputSize, inputSize),
    ),
    state: column(states, tile * hiddenSize, hiddenSize),
    summary: column(summaries, tile * summarySize, summarySize),
    target: column(targets, tile * NEEDS, NEEDS),
  };
}
