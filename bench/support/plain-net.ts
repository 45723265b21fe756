import type { NetworkWeights } from "../../host/model/weights.js";

/**
 * GRU step and head in plain JavaScript for one instance at a time: float64 typed arrays, the three
 * rows of a unit interleaved, and the head run for two feature rows at once so that each weight is
 * loaded once for both.
 */
export class PlainNet {
  readonly #gru: Float64Array;
  readonly #gruBias: Float64Array;
  readonly #layers: readonly PlainLayer[];
  readonly #inputSize: number;
  readonly #hiddenSize: number;
  readonly #row: Float64Array;

  constructor({ tensors, inputSize, hiddenSize }: NetworkWeights) {
    this.#inputSize = inputSize;
    this.#hiddenSize = hiddenSize;
    const width = inputSize + hiddenSize;
    this.#row = new Float64Array(width);
    this.#gru = new Float64Array(3 * hiddenSize * width);
    this.#gruBias = new Float64Array(4 * hiddenSize);
    const [wi, wh] = [tensors["gru.weight_ih_l0"], tensors["gru.weight_hh_l0"]];
    const [bi, bh] = [tensors["gru.bias_ih_l0"], tensors["gru.bias_hh_l0"]];
    let at = 0;
    for (let unit = 0; unit < hiddenSize; unit++) {
      for (let k = 0; k < width; k++) {
        for (let gate = 0; gate < 3; gate++) {
          const row = gate * hiddenSize + unit;
          const value =
            k < inputSize ? wi[row * inputSize + k] : wh[row * hiddenSize + k - inputSize];
          this.#gru[at++] = value as number;
        }
      }
      const bias = (part: Float32Array, gate: number) => part[gate * hiddenSize + unit] as number;
      const sums = [bias(bi, 0) + bias(bh, 0), bias(bi, 1) + bias(bh, 1), bias(bi, 2), bias(bh, 2)];
      this.#gruBias.set(sums, 4 * unit);
    }
    this.#layers = ([0, 2, 4] as const).map((layer) => ({
      weight: Float64Array.from(tensors[`head.${layer}.weight`]),
      bias: Float64Array.from(tensors[`head.${layer}.bias`]),
      isLast: layer === 4,
    }));
  }

  /** One step; `state` f64[H] is replaced. */
  step(input: Float64Array, state: Float64Array): void {
    const [weights, bias, row] = [this.#gru, this.#gruBias, this.#row];
    const [inputSize, hiddenSize] = [this.#inputSize, this.#hiddenSize];
    row.set(input);
    row.set(state, inputSize);
    let at = 0;
    for (let unit = 0; unit < hiddenSize; unit++) {
      let r = bias[4 * unit] as number;
      let z = bias[4 * unit + 1] as number;
      let x = bias[4 * unit + 2] as number;
      let h = bias[4 * unit + 3] as number;
      let k = 0;
      for (; k < inputSize; k++, at += 3) {
        const a = row[k] as number;
        r += (weights[at] as number) * a;
        z += (weights[at + 1] as number) * a;
        x += (weights[at + 2] as number) * a;
      }
      for (; k < row.length; k++, at += 3) {
        const a = row[k] as number;
        r += (weights[at] as number) * a;
        z += (weights[at + 1] as number) * a;
        h += (weights[at + 2] as number) * a;
      }
      const fresh = 1 - 2 / (Math.exp(2 * (x + sigmoid(r) * h)) + 1);
      const old = row[inputSize + unit] as number;
      state[unit] = fresh + sigmoid(z) * (old - fresh);
    }
  }

  /** Raw outputs for two feature rows over one state. */
  headPair(
    state: Float64Array,
    left: Float64Array,
    right: Float64Array,
  ): [Float64Array, Float64Array] {
    let a = joined(state, left);
    let b = joined(state, right);
    for (const layer of this.#layers) {
      const nextA = new Float64Array(layer.bias.length);
      const nextB = new Float64Array(layer.bias.length);
      densePair(layer, [a, b], [nextA, nextB]);
      [a, b] = [nextA, nextB];
    }
    return [a, b];
  }
}

interface PlainLayer {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly isLast: boolean;
}

type Pair = readonly [Float64Array, Float64Array];

function densePair({ weight, bias, isLast }: PlainLayer, [a, b]: Pair, [outA, outB]: Pair): void {
  const width = a.length;
  let at = 0;
  for (let row = 0; row < bias.length; row++) {
    let sumA = bias[row] as number;
    let sumB = sumA;
    for (let k = 0; k < width; k++, at++) {
      const w = weight[at] as number;
      sumA += w * (a[k] as number);
      sumB += w * (b[k] as number);
    }
    outA[row] = isLast ? sumA : sumA * sigmoid(sumA);
    outB[row] = isLast ? sumB : sumB * sigmoid(sumB);
  }
}

function joined(state: Float64Array, features: Float64Array): Float64Array {
  const row = new Float64Array(state.length + features.length);
  row.set(state);
  row.set(features, state.length);
  return row;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
