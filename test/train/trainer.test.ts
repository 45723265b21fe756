import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LANE_ROW_BYTES } from "../../host/core/abi.js";
import { TRACE_SUMMARY_ROWS } from "../../host/core/network-rows.js";
import { present } from "../../host/lib/assert.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { heldOutFigures } from "../../host/model/evaluation/report.js";
import { SILENT } from "../../host/model/training/dataset.js";
import { ROUND_BYTES, SUMMARY_BYTES } from "../../host/model/training/layout.js";
import { oneCycleRate } from "../../host/model/training/optimizer.js";
import { parameterLayout } from "../../host/model/training/parameters.js";
import { openSession, type TrainingSession } from "../../host/model/training/session.js";
import { TRAINER_DEFAULTS, Trainer } from "../../host/model/training/trainer.js";
import { syntheticSeries, truncated } from "./synthetic-series.js";

const test = suite("trainer");

const SEEN = Array.from({ length: 9 }, (_, index) => syntheticSeries(`s${index}`, index, 92));
const UNSEEN = [syntheticSeries("u0", 100, 92)];

function session(workers: number): TrainingSession {
  return openSession({ seen: SEEN, unseen: UNSEEN }, options(workers));
}

function options(workers: number) {
  return {
    shape: { inputSize: 16, hiddenSize: 8, summarySize: TRACE_SUMMARY_ROWS },
    seed: 11,
    cutsPerInstance: 40,
    scoredCuts: 6,
    stepCount: 12,
    batchTiles: 10,
    workers,
  };
}

async function train(workers: number) {
  const opened = session(workers);
  const trainer = new Trainer(opened, {
    ...TRAINER_DEFAULTS,
    seed: 11,
    epochs: 3,
  });
  try {
    const reports = await trainer.run();
    return { opened, reports, weights: trainer.weights };
  } finally {
    await trainer.close();
  }
}

/** The run with two workers, once for all tests that only look at it. */
let shared: ReturnType<typeof train> | undefined;
function trainedByTwo(): ReturnType<typeof train> {
  shared ??= train(2);
  return shared;
}

test("same data and seed give the same bits of weights with 1, 2 and 3 workers", async () => {
  const one = await train(1);
  for (const other of [await trainedByTwo(), await train(1), await train(3)]) {
    assert.equal(new Uint32Array(other.weights.buffer), new Uint32Array(one.weights.buffer));
    assert.equal(
      other.reports.map(({ trainLoss, validateLoss }) => [trainLoss, validateLoss]),
      one.reports.map(({ trainLoss, validateLoss }) => [trainLoss, validateLoss]),
    );
  }
});

test("training lowers the validation loss, and figures come from held-out events", async () => {
  const { opened, reports } = await trainedByTwo();
  const [first, , last] = reports;
  assert.ok(reports.length === 3 && (last?.validateLoss ?? 1) < (first?.validateLoss ?? 0));
  const figures = heldOutFigures(opened);
  assert.equal(
    figures.map(({ instances }) => instances),
    [1, 1, 8, 8],
  );
  for (const { resources } of figures) {
    assert.is(resources.length, 4);
    for (const { modelPinball95, coverage, baselines } of resources) {
      assert.ok(modelPinball95 > 0 && modelPinball95 < 1);
      assert.ok(coverage.every((share, k) => share >= (coverage[k - 1] ?? 0) && share <= 1));
      assert.is(baselines.length, 5);
    }
  }
});

test("the net does not listen to silent columns, before or after training", async () => {
  const { opened, weights } = await trainedByTwo();
  const layout = parameterLayout(opened.layout.sizes.shape);
  const column = (name: string, index: number) => {
    const tensor = present(
      layout.tensors.find((one) => one.name === name),
      name,
    );
    const [rows = 0, inner = 0] = tensor.shape;
    return Array.from({ length: rows }, (_, row) => weights[tensor.offset + row * inner + index]);
  };
  const hidden = opened.layout.sizes.shape.hiddenSize;
  for (const index of SILENT.inputs) {
    assert.ok(column("gru.weight_ih_l0", index).every((value) => value === 0));
  }
  for (const index of SILENT.summary.filter((row) => row < TRACE_SUMMARY_ROWS)) {
    assert.ok(column("head.0.weight", hidden + index).every((value) => value === 0));
  }
  assert.ok(column("head.0.weight", hidden + 64).some((value) => value !== 0));
  assert.ok(column("gru.weight_ih_l0", 0).some((value) => value !== 0));
});

test("what an event knows does not depend on later samples", () => {
  const whole = session(1);
  const record = whole.records.find(({ tile, cut }) => tile === 0 && cut.set === "validate");
  if (record === undefined) throw new Error("no validation event in the first tile");
  const cutAt = Math.max(...record.at);
  const short = openSession(
    {
      seen: SEEN.map((series) =>
        truncated(series, series.times.filter((time) => time <= record.cut.at).length),
      ),
      unseen: UNSEEN,
    },
    options(1),
  );
  const same = short.records.find(({ event }) => event === record.event);
  assert.equal(same?.at, record.at);
  assert.equal(same?.scale, record.scale);
  assert.ok(cutAt <= record.cut.at);
  const bytes = (opened: TrainingSession, from: number, size: number) =>
    new Uint8Array(opened.memory.buffer).slice(from, from + size);
  const summary = (opened: TrainingSession) =>
    bytes(opened, opened.layout.summary + record.event * SUMMARY_BYTES, SUMMARY_BYTES);
  assert.equal(summary(short), summary(whole));
  const window = (opened: TrainingSession) => {
    const words = new Uint32Array(opened.memory.buffer, opened.layout.windows);
    const round = words[record.event] ?? 0;
    return [
      bytes(opened, opened.layout.x + round * ROUND_BYTES, 12 * ROUND_BYTES),
      bytes(opened, opened.layout.mask + round * LANE_ROW_BYTES, 12 * LANE_ROW_BYTES),
    ];
  };
  assert.equal(window(short), window(whole));
});

test("series that no training event can use are refused", async () => {
  const empty = openSession(
    { seen: [truncated(syntheticSeries("short", 1, 1), 100)], unseen: [] },
    { ...options(1), cutsPerInstance: 5 },
  );
  const trainer = new Trainer(empty, { ...TRAINER_DEFAULTS, seed: 1, epochs: 1 });
  try {
    await trainer.run();
    assert.unreachable();
  } catch (error) {
    assert.ok(isRepriseError(error) && error.code === "ERR_ARGUMENT");
  } finally {
    await trainer.close();
  }
  assert.throws(() => openSession({ seen: [], unseen: UNSEEN }, options(1)), /nothing|no series/);
});

test("the learning rate rises to its peak over 15 % and falls to 0", () => {
  const rates = Array.from({ length: 1000 }, (_, step) => oneCycleRate(step, 1000, 1));
  const top = rates.indexOf(Math.max(...rates));
  assert.ok(top > 140 && top < 160);
  assert.ok((rates[999] ?? 1) < 1e-4 && (rates[0] ?? 1) < 0.05);
  rates.forEach((rate, step) => {
    if (step > top) assert.ok(rate <= (rates[step - 1] ?? 0));
  });
});

test.run();
