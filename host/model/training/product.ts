import { type NetworkWeights, WEIGHT_NAMES, type WeightName, writeWeights } from "../weights.js";
import type { NetShape } from "./parameters.js";
import { parameterLayout } from "./parameters.js";

/** Writes trained parameters as a weights file. */
export function writeParameters(
  file: string,
  parameters: Float32Array,
  shape: NetShape,
  about: { readonly name: string; readonly metadata: NetworkWeights["metadata"] },
): void {
  const { tensors } = parameterLayout(shape);
  const named = Object.fromEntries(
    WEIGHT_NAMES.map((name) => {
      const tensor = tensors.find((one) => one.name === name);
      const from = tensor?.offset ?? 0;
      return [name, parameters.slice(from, from + (tensor?.count ?? 0))];
    }),
  ) as Record<WeightName, Float32Array>;
  writeWeights(file, { ...shape, tensors: named, ...about });
}

/** The block of parameters of a weights file, in the order of `parameterLayout`. */
export function parametersOf(weights: NetworkWeights): Float32Array {
  const layout = parameterLayout(weights);
  const block = new Float32Array(layout.count);
  for (const name of WEIGHT_NAMES) {
    const tensor = layout.tensors.find((one) => one.name === name);
    block.set(weights.tensors[name], tensor?.offset ?? 0);
  }
  return block;
}
