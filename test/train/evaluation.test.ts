import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BASELINES, baselinePredictions } from "../../host/model/baselines.js";
import { curveSvg } from "../../host/model/evaluation/curve.js";
import { pinball, setFigures } from "../../host/model/evaluation/figures.js";
import type { ScoredTerm } from "../../host/model/evaluation/scored-terms.js";
import type { Series } from "../../host/model/training/series.js";

const test = suite("evaluation");

const HOUR = 3600;

function near(got: number | undefined, expected: number): void {
  assert.ok(Math.abs((got ?? Number.NaN) - expected) < 1e-12, `got ${got}, expected ${expected}`);
}

/** One sample an hour, cpu as given, the other resources missing. */
function hourly(cpu: readonly number[]): Series {
  const count = cpu.length;
  return {
    name: "hourly",
    times: Float64Array.from({ length: count }, (_, index) => (index + 1) * HOUR),
    values: Float32Array.from(cpu.flatMap((value) => [value, Number.NaN, Number.NaN, Number.NaN])),
    launches: new Uint8Array(count),
    caps: [],
  };
}

test("baselines look back over (at - hours, at] and never ahead", () => {
  const series = hourly([9, 1, 2, 3, 4, 100]);
  const of = (name: (typeof BASELINES)[number], hour: number) =>
    baselinePredictions(series, hour * HOUR)[BASELINES.indexOf(name)]?.[0];
  assert.is(of("last", 5), 4);
  assert.is(of("max 1 h", 5.5), 4);
  assert.is(of("max 24 h", 5), 9);
  near(of("N-sigma 2 h", 5), 3.5 + 5 * 0.5);
  // 9 1 2 3 4: mean 3.8, population variance 7.76.
  near(of("mean + 3 sigma 24 h", 5), 3.8 + 3 * Math.sqrt(7.76));
  assert.ok(Number.isNaN(of("last", 0.5)));
  assert.ok(Number.isNaN(baselinePredictions(series, 5 * HOUR)[0]?.[1]));
});

test("pinball is the quantile loss", () => {
  near(pinball(2, 1, 0.95), 0.95);
  near(pinball(1, 2, 0.95), 0.05);
  near(pinball(1, 1, 0.95), 0);
});

function term(instance: string, truth: number, model: number, baseline: number): ScoredTerm {
  return {
    instance,
    resource: 0,
    phase: 0,
    truth,
    quantiles: [0, 0.5, model, 9],
    baselines: [baseline, baseline + 1, baseline + 2, baseline + 3, baseline + 4],
  };
}

test("figures of a set by hand", () => {
  const terms = [term("a", 1, 1.2, 1), term("a", 2, 1.8, 1), term("b", 1, 1, 2)];
  const { instances, resources } = setFigures("by hand", terms, []);
  const [cpu] = resources;
  assert.is(instances, 2);
  assert.is(resources.length, 1);
  near(cpu?.modelPinball95, (0.05 * 0.2 + 0.95 * 0.2) / 3);
  assert.equal(cpu?.coverage, [0, 0, 2 / 3, 1]);
  const last = cpu?.baselines[0];
  near(last?.raw, (0.95 + 0.05) / 3);
  near(last?.coverage, 2 / 3);
  // max 1 h predicts 2, 2, 3: over by 1, 0, 2.
  near(cpu?.baselines[1]?.raw, (0.05 * 3) / 3);
  assert.is(cpu?.best, "max 1 h");
  near(cpu?.change, 0.2 / 0.15 - 1);
  const [low = 0, high = 0] = cpu?.interval ?? [];
  assert.ok(low <= (cpu?.change ?? 0) && (cpu?.change ?? 0) <= high);
});

test("the shift of a baseline comes from the validation terms", () => {
  const validation = Array.from({ length: 100 }, (_, index) => term("v", index / 100, 0, 0));
  const { resources } = setFigures("shifted", [term("a", 1, 1, 0)], validation);
  near(resources[0]?.baselines[0]?.raw, 0.95);
  near(resources[0]?.baselines[0]?.shifted, 0.95 * 0.05);
});

test("a learning curve is a picture with three lines", () => {
  const epochs = [1, 2, 3].map((epoch) => ({
    epoch,
    trainLoss: 1 / epoch,
    laterLoss: 0.8 / epoch,
    otherLoss: 1 / epoch,
    validateLoss: 0.9 / epoch,
    seconds: 1,
  }));
  const svg = curveSvg(epochs);
  assert.is(svg.match(/<polyline/g)?.length, 3);
  assert.not.match(svg, /NaN|Infinity/);
  assert.not.match(curveSvg(epochs.slice(0, 1)), /NaN|Infinity/);
});

test.run();
