/** tfjs with its WASM backend: the step written in its operations, which has no GRU of its own. */
import { createRequire } from "node:module";
import { dirname } from "node:path";

export async function openTensorflow() {
  const tf = await import("@tensorflow/tfjs-core");
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const folder = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(`${folder}/`);
  wasm.setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("the WASM backend did not open");
  return tf;
}

/** Rows of a matrix become columns. */
function transpose(matrix, columns) {
  const rows = matrix.length / columns;
  return Float32Array.from(
    matrix,
    (_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)],
  );
}

export function tensorflowVariant(tf, gruCase) {
  const { inputSize, hiddenSize, batchSize, stepCount, input, state } = gruCase;
  const gates = 3 * hiddenSize;
  const weightX = tf.tensor2d(transpose(gruCase.weightIh, inputSize), [inputSize, gates]);
  const weightH = tf.tensor2d(transpose(gruCase.weightHh, hiddenSize), [hiddenSize, gates]);
  const biasX = tf.tensor1d(gruCase.biasIh);
  const biasH = tf.tensor1d(gruCase.biasHh);
  const stepFloats = batchSize * inputSize;
  const inputs = Array.from({ length: stepCount }, (_, step) =>
    tf.tensor2d(input.subarray(step * stepFloats, (step + 1) * stepFloats), [batchSize, inputSize]),
  );
  const start = tf.tensor2d(state, [batchSize, hiddenSize]);
  const { matMul } = tf.fused;
  const step = (x, h) => {
    const [rx, zx, nx] = tf.split(matMul({ a: x, b: weightX, bias: biasX }), 3, 1);
    const [rh, zh, nh] = tf.split(matMul({ a: h, b: weightH, bias: biasH }), 3, 1);
    const r = tf.sigmoid(tf.add(rx, rh));
    const z = tf.sigmoid(tf.add(zx, zh));
    const n = tf.tanh(tf.add(nx, tf.mul(r, nh)));
    return tf.add(n, tf.mul(z, tf.sub(h, n)));
  };
  let result = start;
  return {
    name: "tfjs, WASM",
    call: () => {
      if (result !== start) result.dispose();
      result = tf.tidy(() => {
        let h = start;
        for (const x of inputs) h = step(x, h);
        return h;
      });
    },
    output: () => result.dataSync(),
    close: () => {
      for (const tensor of [weightX, weightH, biasX, biasH, start, ...inputs, result]) {
        if (!tensor.isDisposed) tensor.dispose();
      }
    },
  };
}
