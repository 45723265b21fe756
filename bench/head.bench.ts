/** The head, 96 features: quantiles of 12 needs an instance, beside plain JavaScript. */
import { type BenchCase, benchMain } from "./support/harness.js";
import { headFlops, seededHeadCase } from "./support/head-case.js";
import { KernelHead } from "./support/kernel-head.js";
import { PlainHead } from "./support/plain-head.js";

const SUMMARY_SIZE = 96;

function headBenchCase(hiddenSize: number, batchSize: number): BenchCase {
  const headCase = seededHeadCase(1, { hiddenSize, summarySize: SUMMARY_SIZE, batchSize });
  return {
    name: `H=${hiddenSize} B=${batchSize}`,
    unit: "instances",
    unitsPerCall: batchSize,
    flopsPerCall: headFlops(headCase),
    tolerance: 1e-5,
    open: () => {
      const kernel = new KernelHead(headCase);
      const plain = new PlainHead(headCase);
      return {
        variants: [
          { name: "core", call: () => kernel.run(), output: () => kernel.output },
          { name: "plain JavaScript", call: () => plain.run(), output: () => plain.output },
        ],
      };
    },
  };
}

await benchMain({
  name: "head",
  question: "How long does it take to turn a state and its summary into quantiles?",
  binaries: ["shared"],
  cases: ({ smoke }) =>
    smoke ? [headBenchCase(4, 9)] : [32, 64, 128].map((size) => headBenchCase(size, 1_024)),
});
