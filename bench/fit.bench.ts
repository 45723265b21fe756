/**
 * Fit: how many of 10,000 nodes have room for a need?
 *
 * Goals: the core beside plain JavaScript on typed arrays, one need and many, 4 columns (resources)
 * and 12 (resource x phase); first, best and mask beside count. Non-goal: the host's search of a
 * place, which asks the core and then exact numbers.
 */
import { seededFloats } from "./support/data.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import { type FitQuestion, type FitShape, KernelFit } from "./support/kernel-fit.js";
import { PlainFit } from "./support/plain-fit.js";

function fitCase(question: FitQuestion, shape: FitShape): BenchCase {
  const { nodeCount, columnCount, needCount } = shape;
  return {
    name: `${question}: needs=${needCount} nodes=${nodeCount} columns=${columnCount}`,
    // The first fit ends at the first node that fits: its time has little to do with their number.
    unit: question === "first" ? "needs" : "needs x nodes",
    unitsPerCall: question === "first" ? needCount : needCount * nodeCount,
    rival: "plain JavaScript",
    tolerance: 0,
    open: () => {
      const room = seededFloats(1, columnCount * nodeCount, { min: 0, max: 32 });
      const needs = seededFloats(2, needCount * columnCount, { min: 0, max: 12 });
      const core = new KernelFit(question, shape, { room, needs });
      const plain = new PlainFit(room, needs, shape);
      return {
        variants: [
          { name: "core", call: core.call, output: () => core.out },
          {
            name: "plain JavaScript",
            call: () => plain.run(question),
            output: () => (question === "mask" ? plain.bytes : plain.words),
          },
        ],
      };
    },
  };
}

await benchMain({
  name: "fit",
  question: "How many of 10,000 nodes have room for a need, and which?",
  binaries: ["release"],
  cases: ({ smoke }) => {
    const nodeCount = smoke ? 37 : 10_000;
    const many = smoke ? 3 : 1_024;
    return [4, 12].flatMap((columnCount) => [
      fitCase("count", { nodeCount, columnCount, needCount: 1 }),
      fitCase("count", { nodeCount, columnCount, needCount: many }),
      fitCase("best", { nodeCount, columnCount, needCount: 1 }),
      fitCase("mask", { nodeCount, columnCount, needCount: 1 }),
      fitCase("first", { nodeCount, columnCount, needCount: many }),
    ]);
  },
});
