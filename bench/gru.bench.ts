/** GRU step, input 16: our kernels beside plain JavaScript on typed arrays. */
import { gruFlops, seededGruCase } from "./support/gru-case.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import { KernelGru } from "./support/kernel-gru.js";
import { PlainGru } from "./support/plain-gru.js";

const HIDDEN_SIZES = [32, 64, 128];
const BATCH_SIZES = [1, 64, 1_024, 16_384];

function stepCase(hiddenSize: number, batchSize: number): BenchCase {
  const gruCase = seededGruCase(1, { hiddenSize, batchSize });
  return {
    name: `H=${hiddenSize} B=${batchSize}`,
    unit: "instance-steps",
    unitsPerCall: batchSize,
    flopsPerCall: gruFlops(gruCase),
    tolerance: 1e-5,
    open: () => {
      const kernel = new KernelGru(gruCase);
      const plain = new PlainGru(gruCase);
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
  name: "gru",
  question: "How long does one step of the recurrent net take?",
  binaries: ["shared"],
  cases: ({ smoke }) =>
    (smoke ? [4, 32] : HIDDEN_SIZES).flatMap((hiddenSize) =>
      (smoke ? [1, 5, 16] : BATCH_SIZES).map((batchSize) => stepCase(hiddenSize, batchSize)),
    ),
});
