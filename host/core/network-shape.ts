/** Which tensors a net has, by the names of `torch.nn.GRU` and a head, and their shapes. */
import { ENVELOPE_ROWS } from "./abi.js";

/** Rows of the head's two hidden layers; fixed in the core. */
export const HEAD_ROWS = [96, 64, ENVELOPE_ROWS] as const;

export const WEIGHT_NAMES = [
  "gru.weight_ih_l0",
  "gru.weight_hh_l0",
  "gru.bias_ih_l0",
  "gru.bias_hh_l0",
  "head.0.weight",
  "head.0.bias",
  "head.2.weight",
  "head.2.bias",
  "head.4.weight",
  "head.4.bias",
] as const;
export type WeightName = (typeof WEIGHT_NAMES)[number];

export interface NetworkShape {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly summarySize: number;
}

/** A net's numbers, row-major, in PyTorch's layout. */
export interface NetworkTensors extends NetworkShape {
  readonly tensors: Readonly<Record<WeightName, Float32Array>>;
}

/** Shape of every tensor of a net. */
export function weightShapes(shape: NetworkShape): Record<WeightName, readonly number[]> {
  const { inputSize, hiddenSize, summarySize } = shape;
  const [first, second, third] = HEAD_ROWS;
  return {
    "gru.weight_ih_l0": [3 * hiddenSize, inputSize],
    "gru.weight_hh_l0": [3 * hiddenSize, hiddenSize],
    "gru.bias_ih_l0": [3 * hiddenSize],
    "gru.bias_hh_l0": [3 * hiddenSize],
    "head.0.weight": [first, hiddenSize + summarySize],
    "head.0.bias": [first],
    "head.2.weight": [second, first],
    "head.2.bias": [second],
    "head.4.weight": [third, second],
    "head.4.bias": [third],
  };
}
