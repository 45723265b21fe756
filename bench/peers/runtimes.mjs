/** Opens the peers, one thread each. A peer that this system cannot run is left out, by name. */
import { gruModel } from "./onnx-model.mjs";

const OPTIONS = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
};

async function openNode() {
  const { default: ort } = await import("onnxruntime-node");
  return { name: "onnxruntime-node", ort, options: { ...OPTIONS, executionProviders: ["cpu"] } };
}

async function openWeb() {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  return { name: "onnxruntime-web", ort, options: { ...OPTIONS, executionProviders: ["wasm"] } };
}

/** What `open` gives, or undefined with a line that says why it cannot be had here. */
export async function openPeer(name, open) {
  try {
    return await open();
  } catch (error) {
    console.error(`# ${name} is left out: ${error.message.split("\n")[0]}`);
    return undefined;
  }
}

export async function openRuntimes() {
  const runtimes = [
    await openPeer("onnxruntime-node", openNode),
    await openPeer("onnxruntime-web", openWeb),
  ].filter((runtime) => runtime !== undefined);
  if (runtimes.length === 0) throw new Error("no peer could be opened");
  return runtimes;
}

/** One variant of the bench: the session is made and the inputs are wrapped outside the clock. */
export async function peerVariant({ name, ort, options }, gruCase) {
  const { inputSize, hiddenSize, batchSize, stepCount, input, state } = gruCase;
  const session = await ort.InferenceSession.create(new Uint8Array(gruModel(gruCase)), options);
  const feeds = {
    x: new ort.Tensor("float32", input, [stepCount, batchSize, inputSize]),
    h: new ort.Tensor("float32", state, [1, batchSize, hiddenSize]),
  };
  let results;
  return {
    name,
    async: true,
    call: async () => {
      results = await session.run(feeds);
    },
    output: () => results.y.data,
    close: () => session.release(),
  };
}
