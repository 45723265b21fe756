import { present } from "../../lib/assert.js";
import { RepriseError } from "../../lib/errors.js";
import { Prng } from "../../lib/prng.js";

/** Sizes of a net; the head's own layers are fixed. */
export interface NetShape {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly summarySize: number;
}

/** Outputs of the head's three layers. */
export const HEAD_SIZES = [96, 64, 48] as const;

export interface ParameterTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** First element inside the block, in floats. */
  readonly offset: number;
  readonly count: number;
}

/** All parameters of a net as one block of floats, in PyTorch's names and row-major order. */
export interface ParameterLayout {
  readonly shape: NetShape;
  readonly tensors: readonly ParameterTensor[];
  readonly count: number;
}

/** @throws ERR_SHAPE when the core's training kernels cannot hold that shape */
export function parameterLayout(shape: NetShape): ParameterLayout {
  const { inputSize, hiddenSize, summarySize } = shape;
  if (hiddenSize % 4 !== 0 || hiddenSize <= 0 || inputSize <= 0 || summarySize < 0) {
    throw new RepriseError("ERR_SHAPE", "the net has no such shape", {
      got: shape,
      expected: "hiddenSize a multiple of 4, inputSize at least 1",
    });
  }
  const [first, second, third] = HEAD_SIZES;
  const gates = 3 * hiddenSize;
  const named: [string, readonly number[]][] = [
    ["gru.weight_ih_l0", [gates, inputSize]],
    ["gru.weight_hh_l0", [gates, hiddenSize]],
    ["gru.bias_ih_l0", [gates]],
    ["gru.bias_hh_l0", [gates]],
    ["head.0.weight", [first, hiddenSize + summarySize]],
    ["head.0.bias", [first]],
    ["head.2.weight", [second, first]],
    ["head.2.bias", [second]],
    ["head.4.weight", [third, second]],
    ["head.4.bias", [third]],
  ];
  let offset = 0;
  const tensors = named.map(([name, dimensions]) => {
    const count = dimensions.reduce((product, size) => product * size, 1);
    const tensor = { name, shape: dimensions, offset, count };
    offset += count;
    return tensor;
  });
  return { shape, tensors, count: offset };
}

/**
 * The same net for more summary rows: it does not hear those that are new.
 *
 * @param block parameters in the order of `parameterLayout(from)`
 */
export function widened(block: Float32Array, from: NetShape, to: NetShape): Float32Array {
  const [narrow, wide] = [parameterLayout(from), parameterLayout(to)];
  const values = new Float32Array(wide.count);
  wide.tensors.forEach((tensor, index) => {
    const old = present(narrow.tensors[index], tensor.name);
    const [rows = 1] = tensor.shape;
    for (let row = 0; row < rows; row++) {
      const width = old.count / rows;
      const first = old.offset + row * width;
      values.set(block.subarray(first, first + width), tensor.offset + (row * tensor.count) / rows);
    }
  });
  return values;
}

/** Inputs and summary rows that a net is not to use. */
export interface SilentColumns {
  readonly inputs: readonly number[];
  readonly summary: readonly number[];
}

/**
 * First weights: uniform in +-1/sqrt(fan) as torch does, the output layer 0 with bias 1 for the
 * median and -1 for the increments, and 0 for the columns in `silent`: with inputs that are 0 in
 * all training data they never move, so the net does not listen to them.
 */
export function initialParameters(
  layout: ParameterLayout,
  seed: number,
  silent: SilentColumns = { inputs: [], summary: [] },
): Float32Array {
  const prng = new Prng(seed);
  const values = new Float32Array(layout.count);
  const { hiddenSize, inputSize, summarySize } = layout.shape;
  let fan = 1;
  for (const tensor of layout.tensors) {
    if (tensor.name.endsWith("weight")) fan = tensor.shape[1] ?? 1;
    if (tensor.name.startsWith("gru.")) fan = hiddenSize;
    if (tensor.name.startsWith("head.4.")) continue;
    const bound = 1 / Math.sqrt(fan);
    for (let index = 0; index < tensor.count; index++) {
      values[tensor.offset + index] = (2 * prng.uniform() - 1) * bound;
    }
  }
  for (let row = 0; row < 3 * hiddenSize; row++) {
    for (const column of silent.inputs) values[row * inputSize + column] = 0;
  }
  const head = layout.tensors.find(({ name }) => name === "head.0.weight")?.offset ?? 0;
  for (let row = 0; row < HEAD_SIZES[0]; row++) {
    const from = head + row * (hiddenSize + summarySize) + hiddenSize;
    for (const column of silent.summary) {
      if (column < summarySize) values[from + column] = 0;
    }
  }
  const bias = layout.tensors.at(-1);
  for (let row = 0; row < (bias?.count ?? 0); row++) {
    values[(bias?.offset ?? 0) + row] = row % 4 === 0 ? 1 : -1;
  }
  return values;
}
