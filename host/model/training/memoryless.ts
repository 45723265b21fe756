import { TILE_LANES } from "../../core/abi.js";
import { SILENT } from "./dataset.js";
import type { NetShape } from "./parameters.js";
import { initialParameters, parameterLayout } from "./parameters.js";
import type { TrainingSession } from "./session.js";

/**
 * The ablation without recurrence: no sample is ever stepped, so the hidden state stays zero and
 * the head, a multilayer perceptron, sees the summary features alone.
 */
export function withoutSteps(session: TrainingSession): void {
  const { layout, memory } = session;
  new Uint32Array(memory.buffer, layout.mask, layout.sizes.roundCount * TILE_LANES).fill(0);
}

/** First weights with a GRU of zeros, which keeps a state of zero whatever it is fed. */
export function memorylessParameters(shape: NetShape, seed: number): Float32Array {
  const layout = parameterLayout(shape);
  const values = initialParameters(layout, seed, SILENT);
  for (const { name, offset, count } of layout.tensors) {
    if (name.startsWith("gru.")) values.fill(0, offset, offset + count);
  }
  return values;
}
