/**
 * GRU step and GRU over a sequence, input 16: our kernels, plain JavaScript and the peers, in turns
 * within one run, one thread each, after all agreed within 1e-4. Ratios are against the first peer.
 */
import { gruFlops, seededGruCase } from "../../build/js/bench/support/gru-case.js";
import { benchMain } from "../../build/js/bench/support/harness.js";
import { KernelGru } from "../../build/js/bench/support/kernel-gru.js";
import { PlainGru } from "../../build/js/bench/support/plain-gru.js";
import { supportsRelaxed } from "../../build/js/host/core/binary.js";
import { compiledGru, openCompiled } from "./compiled.mjs";
import { openPeer, openRuntimes, peerVariant } from "./runtimes.mjs";
import { openTensorflow, tensorflowVariant } from "./tensorflow.mjs";

const TOLERANCE = 1e-4;
const runtimes = await openRuntimes();
const tensorflow = await openPeer("tfjs", openTensorflow);
const compiled = openCompiled("gru.c");
const hasRelaxed = supportsRelaxed();
if (!hasRelaxed) console.error("# reprise, relaxed SIMD, is left out: it takes Node 22, --node 22");

function ours(gruCase) {
  const kernel = new KernelGru(gruCase);
  const plain = new PlainGru(gruCase);
  const relaxed = hasRelaxed ? [new KernelGru(gruCase, "relaxed")] : [];
  return [
    { name: "reprise", call: () => kernel.run(), output: () => kernel.output },
    ...relaxed.map((fused) => ({
      name: "reprise, relaxed",
      call: () => fused.run(),
      output: () => fused.output,
    })),
    { name: "plain JavaScript", call: () => plain.run(), output: () => plain.output },
  ];
}

function benchCase(name, shape) {
  const gruCase = seededGruCase(1, shape);
  return {
    name,
    unit: "instance-steps",
    unitsPerCall: gruCase.batchSize * gruCase.stepCount,
    flopsPerCall: gruFlops(gruCase),
    rival: runtimes[0].name,
    tolerance: TOLERANCE,
    open: async () => {
      const peers = [];
      for (const runtime of runtimes) peers.push(await peerVariant(runtime, gruCase));
      if (tensorflow !== undefined) peers.push(tensorflowVariant(tensorflow, gruCase));
      for (const each of compiled) peers.push(compiledGru(each, gruCase));
      return {
        variants: [...ours(gruCase), ...peers],
        close: async () => {
          for (const peer of peers) await peer.close();
        },
      };
    },
  };
}

function cases({ smoke }) {
  const hiddenSizes = smoke ? [32] : [32, 64, 128];
  const batchSizes = smoke ? [1, 16] : [1, 64, 1_024, 16_384];
  const steps = hiddenSizes.flatMap((hiddenSize) =>
    batchSizes.map((batchSize) =>
      benchCase(`H=${hiddenSize} B=${batchSize}`, { hiddenSize, batchSize }),
    ),
  );
  const sequence = { hiddenSize: 32, batchSize: smoke ? 8 : 256, stepCount: smoke ? 4 : 96 };
  const name = `sequence H=32 B=${sequence.batchSize} T=${sequence.stepCount}`;
  return [...steps, benchCase(name, sequence)];
}

await benchMain({
  name: "gru-peers",
  question: "How does one step of the recurrent net compare with other runtimes?",
  binaries: ["shared"],
  cases,
});
