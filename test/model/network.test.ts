import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ArenaPlan } from "../../host/core/arena.js";
import { compileBinary } from "../../host/core/binary.js";
import { openKernel } from "../../host/core/kernel.js";
import { loadNetwork, planNetwork } from "../../host/core/network.js";
import type { RepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import {
  envelopeReference,
  gruStepReference,
  headReference,
  quantilesReference,
} from "../../host/model/reference.js";
import {
  type NetworkWeights,
  parseWeights,
  serializeWeights,
  WEIGHT_NAMES,
  type WeightName,
  weightShapes,
} from "../../host/model/weights.js";
import { fromTiles, toTiles } from "../support/kernel-bed.js";
import { randomFloats } from "../support/net.js";

const test = suite("network");
const SHAPE = { inputSize: 16, hiddenSize: 32, summarySize: 96 };
const BATCH = 11;
const TILES = 2;

function randomWeights(): NetworkWeights {
  const prng = new Prng(5);
  const shapes = weightShapes(SHAPE);
  const tensors = Object.fromEntries(
    WEIGHT_NAMES.map((name) => {
      const count = shapes[name].reduce((product, size) => product * size, 1);
      return [name, randomFloats(prng, count, 0.2)];
    }),
  ) as Record<WeightName, Float32Array>;
  return parseWeights(serializeWeights({ ...SHAPE, tensors, name: "random" }), "random");
}

function open() {
  const module = compileBinary("shared");
  const probe = openKernel(module, new ArenaPlan(0).createMemory(true));
  const arena = new ArenaPlan(probe.arenaBase());
  const net = planNetwork(arena, probe, SHAPE);
  const region = (name: string, bytes: number) => arena.region(name, bytes).ptr;
  const at = {
    x: region("x", TILES * SHAPE.inputSize * 32),
    h: region("h", TILES * SHAPE.hiddenSize * 32),
    hNext: region("hNext", TILES * SHAPE.hiddenSize * 32),
    summary: region("summary", TILES * SHAPE.summarySize * 32),
    scale: region("scale", TILES * 128),
    cap: region("cap", TILES * 128),
    out: region("out", TILES * 48 * 32),
    scratch: region("scratch", probe.headScratchBytes()),
  };
  const memory = arena.createMemory(true);
  const put = (ptr: number, values: Float32Array) =>
    new Float32Array(memory.buffer, ptr, values.length).set(values);
  return { arena, net, at, memory, put, kernel: openKernel(module, memory) };
}

test("planned, loaded, stepped and answered: as the float64 net says", () => {
  const weights = randomWeights();
  const { net, at, memory, put, kernel } = open();
  loadNetwork(kernel, memory, net, weights);
  const prng = new Prng(8);
  const batch = (size: number, width: number) =>
    Array.from({ length: BATCH }, () => randomFloats(prng, width, size));
  const [x, h, summary] = [batch(3, 16), batch(1, 32), batch(2, 96)];
  const scale = Float32Array.from({ length: TILES * 32 }, () => 0.5 + prng.uniform());
  const cap = Float32Array.from({ length: TILES * 32 }, (_, index) =>
    index % 2 === 0 ? Number.NaN : 0.4,
  );
  put(at.x, toTiles(x, 16));
  put(at.h, toTiles(h, 32));
  put(at.summary, toTiles(summary, 96));
  put(at.scale, scale);
  put(at.cap, cap);
  const [gruPtr, headPtr] = [net.gru.ptr, net.head.ptr];
  const { hNext, scratch, out } = at;
  kernel.gruStep(gruPtr, at.x, 512, at.h, hNext, 1024, 0, 0, TILES, 16, 32, scratch);
  kernel.head(headPtr, hNext, 1024, at.summary, 3072, out, 1536, TILES, 32, 96, scratch);
  kernel.envelope(out, 1536, at.scale, 128, at.cap, 128, 0, out, 1536, TILES);
  const { tensors } = weights;
  const gru = {
    ...SHAPE,
    weightIh: tensors["gru.weight_ih_l0"],
    weightHh: tensors["gru.weight_hh_l0"],
    biasIh: tensors["gru.bias_ih_l0"],
    biasHh: tensors["gru.bias_hh_l0"],
  };
  const layers = ([0, 2, 4] as const).map((layer) => ({
    weight: tensors[`head.${layer}.weight`],
    bias: tensors[`head.${layer}.bias`],
  }));
  const found = fromTiles(new Float32Array(memory.buffer, at.out, TILES * 48 * 8), 48, BATCH);
  found.forEach((row, index) => {
    const state = gruStepReference(gru, x[index] ?? [], h[index] ?? []);
    const raw = headReference(layers, state, summary[index] ?? []);
    const expected = envelopeReference({
      quantiles: quantilesReference(raw),
      scale: scale.subarray(index * 4, index * 4 + 4),
      cap: cap.subarray(index * 4, index * 4 + 4),
    });
    expected.forEach((value, at) => {
      const error = Math.abs((row[at] as number) - value);
      assert.ok(error <= 1e-5 * (1 + value), `lane ${index} row ${at}: ${row[at]}, not ${value}`);
    });
  });
});

test("weights of another shape are refused and nothing is written", () => {
  const { net, memory, kernel } = open();
  const before = new Uint8Array(memory.buffer).slice();
  const other = { ...randomWeights(), hiddenSize: 64 };
  assert.throws(
    () => loadNetwork(kernel, memory, net, other),
    (error: RepriseError) =>
      error.code === "ERR_SHAPE" && /field hiddenSize.*got 64, expected 32/.test(error.message),
  );
  assert.equal(Buffer.compare(before, new Uint8Array(memory.buffer)), 0);
});

test.run();
