/**
 * Training: loss and gradient of a chunk of windows, the work that one thread repeats.
 *
 * Goals: the core beside the float64 reference, as multiply-adds that the gradient needs a second.
 * Non-goals: the optimizer's step, once a batch of eight chunks; loading data.
 */
import { SUMMARY_ROWS } from "../host/core/abi.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import {
  KernelTrainStep,
  ReferenceTrainStep,
  type TrainShape,
  trainFlops,
} from "./support/train-case.js";

function trainCase(shape: TrainShape): BenchCase {
  return {
    name: `H=${shape.hiddenSize} steps=${shape.stepCount} windows=${shape.tileCount * 8}`,
    unit: "windows",
    unitsPerCall: shape.tileCount * 8,
    flopsPerCall: trainFlops(shape),
    // Gradients are sums over all windows and levels, up to some hundreds.
    tolerance: 2e-3,
    open: () => {
      const core = new KernelTrainStep(shape);
      const reference = new ReferenceTrainStep(shape);
      return {
        variants: [
          { name: "core", call: () => core.run(), output: () => core.output },
          { name: "reference", call: () => reference.run(), output: () => reference.output },
        ],
      };
    },
  };
}

await benchMain({
  name: "train-step",
  question: "How fast are loss and gradient of a chunk of training windows?",
  binaries: ["shared"],
  cases: ({ smoke }) => {
    const net = { inputSize: 16, summarySize: SUMMARY_ROWS };
    if (smoke) return [trainCase({ ...net, hiddenSize: 8, stepCount: 3, tileCount: 1 })];
    return [32, 64].map((hiddenSize) =>
      trainCase({ ...net, hiddenSize, stepCount: 36, tileCount: 8 }),
    );
  },
});
