import { LANE_ROW_BYTES, SUMMARY_ROWS, TILE_LANES } from "../../core/abi.js";
import { SILENT } from "./dataset.js";
import { SUMMARY_BYTES } from "./layout.js";
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

/** Summary rows that tell of usage before; size, clock of the restart and outage are rows 64-79. */
const USAGE_ROWS = [
  [0, 64],
  [80, SUMMARY_ROWS - 80],
] as const;

/**
 * The ablation without summaries: of what is before the window the head has only the hidden state.
 */
export function withoutSummary(session: TrainingSession): void {
  const { layout, memory } = session;
  for (let event = 0; event < layout.sizes.eventCount; event++) {
    const summary = layout.summary + event * SUMMARY_BYTES;
    for (const [first, count] of USAGE_ROWS) {
      const bytes = count * LANE_ROW_BYTES;
      new Uint8Array(memory.buffer, summary + first * LANE_ROW_BYTES, bytes).fill(0);
    }
  }
}

/** First weights that hear none of those rows, so that they also stay deaf where rows are written. */
export function recurrentParameters(shape: NetShape, seed: number): Float32Array {
  const summary = USAGE_ROWS.flatMap(([first, count]) =>
    Array.from({ length: count }, (_, index) => first + index),
  );
  return initialParameters(parameterLayout(shape), seed, { inputs: SILENT.inputs, summary });
}
