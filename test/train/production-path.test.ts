import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LANE_ROW_BYTES } from "../../host/core/abi.js";
import { ArenaPlan } from "../../host/core/arena.js";
import { present } from "../../host/lib/assert.js";
import { scoreEvents } from "../../host/model/evaluation/scored-terms.js";
import { ROUND_BYTES, SUMMARY_BYTES, TARGET_BYTES } from "../../host/model/training/layout.js";
import { parameterLayout } from "../../host/model/training/parameters.js";
import { openSession, stateBytes } from "../../host/model/training/session.js";
import { TRAINER_DEFAULTS, Trainer } from "../../host/model/training/trainer.js";
import { syntheticSeries } from "./synthetic-series.js";
import { openOver } from "./window.js";

const test = suite("training and production paths");

const SHAPE = { inputSize: 16, hiddenSize: 8, summarySize: 96 };
const SEEN = Array.from({ length: 3 }, (_, index) => syntheticSeries(`s${index}`, index, 63));

async function trained() {
  const session = openSession(
    { seen: SEEN, unseen: [] },
    {
      shape: SHAPE,
      seed: 5,
      cutsPerInstance: 30,
      scoredCuts: 5,
      stepCount: 12,
      batchTiles: 8,
      workers: 1,
    },
  );
  const trainer = new Trainer(session, { ...TRAINER_DEFAULTS, seed: 5, epochs: 2 });
  try {
    await trainer.run();
    return { session, weights: trainer.weights };
  } finally {
    await trainer.close();
  }
}

test("the production kernels, fed from the first sample on, answer what training scored", async () => {
  const { session, weights } = await trained();
  const layout = parameterLayout(SHAPE);
  const plan = new ArenaPlan(4096);
  const sizes = openOver("release", new ArenaPlan(0)).kernel;
  const raw = plan.region("raw", layout.count * 4);
  const gru = plan.region("gru", sizes.gruPackedBytes(16, 8));
  const head = plan.region("head", sizes.headPackedBytes(8, 96));
  const x = plan.region("x", ROUND_BYTES);
  const mask = plan.region("mask", LANE_ROW_BYTES);
  const states = [plan.region("h0", 8 * LANE_ROW_BYTES), plan.region("h1", 8 * LANE_ROW_BYTES)];
  const summary = plan.region("summary", SUMMARY_BYTES);
  const out = plan.region("out", 48 * LANE_ROW_BYTES);
  const scratch = plan.region("scratch", sizes.headScratchBytes());
  const { kernel, memory } = openOver("shared", plan);
  const bytes = new Uint8Array(memory.buffer);
  const f32 = new Float32Array(memory.buffer);
  f32.set(weights, raw.ptr / 4);
  const at = (name: string) =>
    raw.ptr +
    present(
      layout.tensors.find((t) => t.name === name),
      name,
    ).offset *
      4;
  const [wi, wh, bi, bh] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) =>
    at(`gru.${name}_l0`),
  );
  kernel.packGru(wi ?? 0, wh ?? 0, bi ?? 0, bh ?? 0, gru.ptr, 16, 8);
  const [w0, b0, w1, b1, w2, b2] = [0, 2, 4].flatMap((layer) => [
    at(`head.${layer}.weight`),
    at(`head.${layer}.bias`),
  ]);
  kernel.packHead(w0 ?? 0, b0 ?? 0, w1 ?? 0, b1 ?? 0, w2 ?? 0, b2 ?? 0, head.ptr, 8, 96);

  const stored = new Uint8Array(session.memory.buffer);
  const words = new Uint32Array(session.memory.buffer);
  const copy = (from: number, region: { ptr: number; bytes: number }) =>
    bytes.set(stored.subarray(from, from + region.bytes), region.ptr);
  const record = present(
    session.records.findLast(({ cut }) => cut.set === "validate"),
    "event",
  );
  const first = words[session.layout.tiles / 4] ?? 0;
  const window = words[session.layout.windows / 4 + record.event] ?? 0;
  let [from, to] = states.map(({ ptr }) => ptr);
  for (let round = first; round < window + 12; round++) {
    copy(session.layout.x + round * ROUND_BYTES, x);
    copy(session.layout.mask + round * LANE_ROW_BYTES, mask);
    kernel.gruStep(gru.ptr, x.ptr, 0, from ?? 0, to ?? 0, 0, mask.ptr, 0, 1, 16, 8, scratch.ptr);
    [from, to] = [to, from];
  }
  copy(session.layout.summary + record.event * SUMMARY_BYTES, summary);
  kernel.head(head.ptr, from ?? 0, 0, summary.ptr, 0, out.ptr, 0, 1, 8, 96, scratch.ptr);

  const scored = scoreEvents(session, "validate");
  const target = (session.layout.target + record.event * TARGET_BYTES) / 4;
  const truths = new Float32Array(session.memory.buffer);
  let compared = 0;
  for (let lane = 0; lane < SEEN.length; lane++) {
    const name = present(session.tiles[0]?.series[lane], "series").name;
    for (let need = 0; need < 12; need++) {
      const truth = truths[target + need * 8 + lane];
      const [resource, phase] = [Math.floor(need / 3), need % 3];
      const term = scored.find(
        (one) =>
          one.instance === name &&
          one.truth === truth &&
          one.resource === resource &&
          one.phase === phase,
      );
      if (term === undefined) continue;
      // The truth tells the events of a series apart; caps are far away here.
      term.quantiles.forEach((quantile, k) => {
        const got = f32[out.ptr / 4 + (need * 4 + k) * 8 + lane] ?? Number.NaN;
        assert.ok(Math.abs(got - quantile) < 2e-5, `${name} ${need}/${k}: ${got} ${quantile}`);
        compared += 1;
      });
    }
  }
  assert.ok(compared >= 100, `${compared} quantiles compared`);
  assert.is(stateBytes(session.layout), 8 * LANE_ROW_BYTES);
});

test.run();
