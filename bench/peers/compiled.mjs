/**
 * The same kernels in C, compiled when the bench runs for three sets of instructions and loaded as
 * native modules, so that they take turns with the others in one process. Without gcc, or on another
 * processor than x64, they are left out with a line that says so.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SETS = [
  ["C, SSE4.1", ["-msse4.1"]],
  ["C, AVX2 + FMA", ["-mavx2", "-mfma"]],
  ["C, -march=native", ["-march=native"]],
];
const load = createRequire(import.meta.url);

/** What is wrong, in one line, if a program did not do its work; undefined if it did. */
function failure(command, args) {
  const done = spawnSync(command, args, { encoding: "utf8" });
  if (done.status === 0) return undefined;
  return done.error?.message ?? (done.stderr || `exit code ${done.status}`).split("\n")[0];
}

/** `[name, module]` for each set of instructions that this machine compiles and runs. */
export function openCompiled(source) {
  const folder = mkdtempSync(join(tmpdir(), "reprise-peers."));
  const opened = [];
  try {
    for (const [name, flags] of SETS) {
      const file = join(folder, `${opened.length}.node`);
      const input = fileURLToPath(new URL(source, import.meta.url));
      const wrong =
        (process.arch === "x64" ? undefined : `not for ${process.arch}`) ??
        failure("gcc", ["-O3", ...flags, "-shared", "-fPIC", input, "-o", file]) ??
        // A processor without the instructions would end this process: try elsewhere first.
        failure(process.execPath, [fileURLToPath(new URL("probe.mjs", import.meta.url)), file]);
      if (wrong === undefined) opened.push([name, load(file)]);
      else console.error(`# ${name} is left out: ${wrong}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return opened;
}

/** Copies `[instance][row]` into tiles `[tile][row][lane]`, or back. */
function moveTiles(plain, tiled, { rows, lanes, back = false }) {
  for (let at = 0; at < plain.length; at++) {
    const instance = Math.floor(at / rows);
    const tile = Math.floor(instance / lanes);
    const place = (tile * rows + (at % rows)) * lanes + (instance % lanes);
    if (back) plain[at] = tiled[place];
    else tiled[place] = plain[at];
  }
}

/** One GRU by C; inputs are laid out before the clock starts, one call a step. */
export function compiledGru([name, native], gruCase) {
  const { inputSize, hiddenSize, batchSize, stepCount, input, state } = gruCase;
  const { weightIh, weightHh, biasIh, biasHh } = gruCase;
  const isOne = batchSize === 1;
  const packed = new Float32Array(hiddenSize * (4 + 3 * (inputSize + hiddenSize)));
  const pack = isOne ? native.packGruOne : native.packGru;
  pack(weightIh, weightHh, biasIh, biasHh, packed, inputSize, hiddenSize);
  const lanes = isOne ? 1 : 2 * native.lanes;
  const tileCount = Math.ceil(batchSize / lanes);
  const x = Array.from({ length: stepCount }, (_, step) => {
    const tiled = new Float32Array(tileCount * lanes * inputSize);
    const from = step * batchSize * inputSize;
    const plain = input.subarray(from, from + batchSize * inputSize);
    moveTiles(plain, tiled, { rows: inputSize, lanes });
    return tiled;
  });
  const [first, odd, even] = [0, 1, 2].map(() => new Float32Array(tileCount * lanes * hiddenSize));
  moveTiles(state, first, { rows: hiddenSize, lanes });
  const scratch = new Float32Array(lanes * hiddenSize);
  let result = first;
  return {
    name,
    call: () => {
      let from = first;
      for (let step = 0; step < stepCount; step++) {
        const to = from === odd ? even : odd;
        if (isOne) native.gruStepOne(packed, x[step], from, to, inputSize, hiddenSize);
        else {
          native.gruStep(packed, x[step], from, to, scratch, tileCount, inputSize, hiddenSize);
        }
        from = to;
      }
      result = from;
    },
    output: () => {
      const plain = new Float32Array(batchSize * hiddenSize);
      moveTiles(plain, result, { rows: hiddenSize, lanes, back: true });
      return plain;
    },
    close: () => {},
  };
}

/** How many nodes fit each need, by C; nodes that pad the last vector never fit. */
export function compiledFit([name, native], { nodeCount, columnCount, needCount, room, needs }) {
  const vectors = Math.ceil(nodeCount / native.lanes);
  const stride = vectors * native.lanes;
  const padded = new Float32Array(columnCount * stride).fill(Number.NaN);
  for (let column = 0; column < columnCount; column++) {
    padded.set(room.subarray(column * nodeCount, (column + 1) * nodeCount), column * stride);
  }
  const counts = new Int32Array(needCount);
  return {
    name,
    call: () => native.fitCount(padded, needs, counts, stride, vectors, columnCount, needCount),
    output: () => counts,
  };
}
