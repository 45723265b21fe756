/**
 * Fit: how many of 10,000 nodes have room for a need?
 *
 * Goals: the core beside plain JavaScript on typed arrays, one need and many, 4 columns (resources)
 * and 12 (resource x phase); first, best and mask beside count. Non-goal: the host's search of a
 * place, which asks the core and then exact numbers.
 */
import { ArenaPlan, compileBinary, openKernel } from "../host/core/index.js";
import { seededFloats } from "./support/data.js";
import { type BenchCase, benchMain } from "./support/harness.js";
import { PlainFit } from "./support/plain-fit.js";

interface Shape {
  readonly nodeCount: number;
  readonly columnCount: number;
  readonly needCount: number;
}

type Question = "count" | "first" | "best" | "mask";

function fitCase(question: Question, shape: Shape): BenchCase {
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
      const core = coreFit(question, shape, { room, needs });
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

function coreFit(
  question: Question,
  { nodeCount, columnCount, needCount }: Shape,
  { room, needs }: { readonly room: Float32Array; readonly needs: Float32Array },
): { call: () => void; out: ArrayLike<number> } {
  const module = compileBinary("release");
  const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const plan = new ArenaPlan(probe.arenaBase());
  const stride = Math.ceil(nodeCount / 4) * 16;
  const roomPtr = plan.region("room", columnCount * stride).ptr;
  const needsPtr = plan.region("needs", needCount * columnCount * 4).ptr;
  const weightsPtr = plan.region("weights", columnCount * 4).ptr;
  const outPtr = plan.region("out", needCount * 4).ptr;
  const maskPtr = plan.region("mask", needCount * nodeCount).ptr;
  const memory = plan.createMemory(false);
  const kernel = openKernel(module, memory);
  const floats = new Float32Array(memory.buffer);
  for (let column = 0; column < columnCount; column++) {
    const row = room.subarray(column * nodeCount, (column + 1) * nodeCount);
    floats.set(row, roomPtr / 4 + (column * stride) / 4);
  }
  floats.set(needs, needsPtr / 4);
  floats.fill(1, weightsPtr / 4, weightsPtr / 4 + columnCount);
  const words = new Int32Array(memory.buffer, outPtr, needCount);
  const bytes = new Uint8Array(memory.buffer, maskPtr, needCount * nodeCount);
  const [n, c, k] = [nodeCount, columnCount, needCount];
  const calls = {
    count: () => kernel.fitCount(roomPtr, stride, n, c, needsPtr, k, outPtr),
    first: () => kernel.fitFirst(roomPtr, stride, n, c, needsPtr, k, outPtr),
    best: () => kernel.fitBest(roomPtr, stride, n, c, needsPtr, k, weightsPtr, outPtr),
    mask: () => kernel.fitMask(roomPtr, stride, n, c, needsPtr, k, maskPtr, n),
  };
  return { call: calls[question], out: question === "mask" ? bytes : words };
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
