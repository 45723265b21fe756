/**
 * How many of 10,000 nodes have room for a need: the core, plain JavaScript and C, in turns within one
 * run, one thread each, after all gave the same counts. Ratios are against the first C.
 */
import { seededFloats } from "../../build/js/bench/support/data.js";
import { benchMain } from "../../build/js/bench/support/harness.js";
import { KernelFit } from "../../build/js/bench/support/kernel-fit.js";
import { PlainFit } from "../../build/js/bench/support/plain-fit.js";
import { compiledFit, openCompiled } from "./compiled.mjs";

const compiled = openCompiled("fit.c");

function benchCase(shape) {
  const { nodeCount, columnCount, needCount } = shape;
  return {
    name: `count: needs=${needCount} nodes=${nodeCount} columns=${columnCount}`,
    unit: "needs x nodes",
    unitsPerCall: needCount * nodeCount,
    rival: compiled[0]?.[0] ?? "plain JavaScript",
    tolerance: 0,
    open: () => {
      const room = seededFloats(1, columnCount * nodeCount, { min: 0, max: 32 });
      const needs = seededFloats(2, needCount * columnCount, { min: 0, max: 12 });
      const core = new KernelFit("count", shape, { room, needs });
      const plain = new PlainFit(room, needs, shape);
      return {
        variants: [
          { name: "reprise", call: core.call, output: () => core.out },
          {
            name: "plain JavaScript",
            call: () => plain.run("count"),
            output: () => plain.words,
          },
          ...compiled.map((each) => compiledFit(each, { ...shape, room, needs })),
        ],
      };
    },
  };
}

await benchMain({
  name: "fit-peers",
  question: "How many of 10,000 nodes have room for a need, beside C?",
  binaries: ["release"],
  cases: ({ smoke }) =>
    [4, 12].flatMap((columnCount) =>
      [1, smoke ? 3 : 1_024].map((needCount) =>
        benchCase({ nodeCount: smoke ? 37 : 10_000, columnCount, needCount }),
      ),
    ),
});
