/** The golden vectors of `test/golden/` (README there), as plain arrays. */
import { readFileSync } from "node:fs";
import type { GruWeights, LinearWeights } from "../../host/model/reference.js";
import { parseTensors, type TensorFile } from "../../host/model/safetensors.js";

/** From build/js/test/support to test/golden. */
const FOLDER = new URL("../../../../test/golden/", import.meta.url);

export const GOLDEN_SIZES = [32, 64, 128] as const;

export interface Golden {
  readonly file: TensorFile;
  readonly gru: GruWeights;
  readonly head: readonly LinearWeights[];
  readonly stepCount: number;
  readonly batchSize: number;
  readonly summarySize: number;
  /** Values of one tensor. */
  values(name: string): Float32Array | Float64Array;
  /** Row `index` of a tensor whose first axes are flattened into rows of `width`. */
  row(name: string, index: number, width: number): Float32Array;
}

export function readGolden(hiddenSize: number): Golden {
  const name = `gru_h${hiddenSize}.safetensors`;
  const file = parseTensors(readFileSync(new URL(name, FOLDER)), name);
  const tensor = (key: string) => {
    const found = file.tensors.get(key);
    if (found === undefined) throw new Error(`${name} has no ${key}`);
    return found;
  };
  const [stepCount = 0, batchSize = 0, inputSize = 0] = tensor("input.x").shape;
  const linear = (layer: number): LinearWeights => ({
    weight: tensor(`head.${layer}.weight`).data,
    bias: tensor(`head.${layer}.bias`).data,
  });
  return {
    file,
    gru: {
      inputSize,
      hiddenSize,
      weightIh: tensor("gru.weight_ih_l0").data,
      weightHh: tensor("gru.weight_hh_l0").data,
      biasIh: tensor("gru.bias_ih_l0").data,
      biasHh: tensor("gru.bias_hh_l0").data,
    },
    head: [linear(0), linear(2), linear(4)],
    stepCount,
    batchSize,
    summarySize: tensor("input.summary").shape[1] ?? 0,
    values: (key) => tensor(key).data,
    row: (key, index, width) =>
      Float32Array.from(tensor(key).data.slice(index * width, (index + 1) * width)),
  };
}

/** Largest absolute difference; NaN when the lengths differ or either holds one. */
export function worstDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.NaN;
  let worst = 0;
  for (let index = 0; index < found.length; index++) {
    const difference = Math.abs((found[index] ?? Number.NaN) - (expected[index] ?? Number.NaN));
    if (!(difference <= worst)) worst = difference;
    if (Number.isNaN(worst)) return worst;
  }
  return worst;
}
