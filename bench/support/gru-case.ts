import { seededFloats } from "./data.js";

/** One GRU in PyTorch's layout and what it is fed: the same numbers for every runtime. */
export interface GruCase {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly batchSize: number;
  readonly stepCount: number;
  /** f32[3 * hidden][input], gates r, z, n */
  readonly weightIh: Float32Array;
  /** f32[3 * hidden][hidden] */
  readonly weightHh: Float32Array;
  readonly biasIh: Float32Array;
  readonly biasHh: Float32Array;
  /** f32[step][batch][input] */
  readonly input: Float32Array;
  /** f32[batch][hidden] */
  readonly state: Float32Array;
}

export interface GruShape {
  readonly hiddenSize: number;
  readonly batchSize: number;
  readonly stepCount?: number;
  readonly inputSize?: number;
}

/** Weights as PyTorch draws them, uniform in one over the root of the hidden size. */
export function seededGruCase(seed: number, shape: GruShape): GruCase {
  const { hiddenSize, batchSize, stepCount = 1, inputSize = 16 } = shape;
  const bound = 1 / Math.sqrt(hiddenSize);
  const weights = { min: -bound, max: bound };
  return {
    inputSize,
    hiddenSize,
    batchSize,
    stepCount,
    weightIh: seededFloats(seed, 3 * hiddenSize * inputSize, weights),
    weightHh: seededFloats(seed + 1, 3 * hiddenSize * hiddenSize, weights),
    biasIh: seededFloats(seed + 2, 3 * hiddenSize, weights),
    biasHh: seededFloats(seed + 3, 3 * hiddenSize, weights),
    input: seededFloats(seed + 4, stepCount * batchSize * inputSize, { min: -2, max: 2 }),
    state: seededFloats(seed + 5, batchSize * hiddenSize),
  };
}

/** Multiply-adds count twice; activations are left out. */
export function gruFlops({ inputSize, hiddenSize, batchSize, stepCount }: GruCase): number {
  return 2 * 3 * hiddenSize * (inputSize + hiddenSize) * batchSize * stepCount;
}
