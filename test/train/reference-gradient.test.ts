import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { Prng } from "../../host/lib/prng.js";
import {
  type ReferenceCase,
  type ReferenceShape,
  referenceGradient,
} from "../../host/model/reference-gradient.js";
import { initialParameters, parameterLayout } from "../../host/model/training/parameters.js";
import { readGolden } from "./golden-file.js";
import { runWindow } from "./window.js";

const test = suite("reference gradient");

function smallNet(shape: ReferenceShape, prng: Prng) {
  const { inputSize, hiddenSize, summarySize, headSizes } = shape;
  const [first, second, third] = headSizes;
  const random = (count: number, size = 1) =>
    Float64Array.from({ length: count }, () => (2 * prng.uniform() - 1) * size);
  const parameters = new Map([
    ["gru.weight_ih_l0", random(3 * hiddenSize * inputSize)],
    ["gru.weight_hh_l0", random(3 * hiddenSize * hiddenSize)],
    ["gru.bias_ih_l0", random(3 * hiddenSize)],
    ["gru.bias_hh_l0", random(3 * hiddenSize)],
    ["head.0.weight", random(first * (hiddenSize + summarySize))],
    ["head.0.bias", random(first)],
    ["head.2.weight", random(second * first)],
    ["head.2.bias", random(second)],
    ["head.4.weight", random(third * second)],
    ["head.4.bias", random(third)],
  ]);
  const example: ReferenceCase = {
    x: Array.from({ length: 4 }, () => random(inputSize, 2)),
    state: random(hiddenSize),
    summary: random(summarySize, 2),
    target: random(third / 4, 3),
  };
  return { parameters, example };
}

test("agrees with central differences on 3 units, 2 inputs, 4 steps", () => {
  const shape: ReferenceShape = {
    inputSize: 2,
    hiddenSize: 3,
    summarySize: 2,
    headSizes: [5, 4, 8],
  };
  const { parameters, example } = smallNet(shape, new Prng(7));
  const { gradient } = referenceGradient(parameters, example);
  const step = 1e-5;
  for (const [name, values] of parameters) {
    const exact = present(gradient.get(name), name);
    const largest = exact.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
    values.forEach((value, index) => {
      const at = (moved: number) => {
        values[index] = moved;
        const { loss } = referenceGradient(parameters, example);
        values[index] = value;
        return loss;
      };
      const difference = (at(value + step) - at(value - step)) / (2 * step);
      const error = Math.abs(difference - (exact[index] ?? 0)) / largest;
      assert.ok(error < 1e-6, `${name}[${index}]: ${difference} against ${exact[index]}`);
    });
  }
});

test("agrees with torch on the golden files to 1e-10", () => {
  const read = readGolden("gru_h32");
  const [stepCount = 0, batchSize = 0, inputSize = 0] = read("input.x").shape;
  const names = ["gru.weight_ih_l0", "gru.weight_hh_l0", "gru.bias_ih_l0", "gru.bias_hh_l0"];
  for (const layer of [0, 2, 4]) names.push(`head.${layer}.weight`, `head.${layer}.bias`);
  const parameters = new Map(names.map((name) => [name, read(name).values]));
  const rows = (tensor: string, index: number): Float64Array => {
    const { shape, values } = read(tensor);
    const size = values.length / (shape[0] ?? 1);
    return values.subarray(index * size, (index + 1) * size);
  };
  let loss = 0;
  let terms = 0;
  const total = new Map(names.map((name) => [name, new Float64Array(read(name).values.length)]));
  for (let b = 0; b < batchSize; b++) {
    const x = Array.from({ length: stepCount }, (_, t) =>
      read("input.x").values.subarray(
        (t * batchSize + b) * inputSize,
        (t * batchSize + b + 1) * inputSize,
      ),
    );
    const result = referenceGradient(parameters, {
      x,
      state: rows("input.h0", b),
      summary: rows("input.summary", b),
      target: rows("input.target", b),
    });
    loss += result.loss;
    terms += result.terms;
    for (const [name, values] of result.gradient) {
      const sum = present(total.get(name), name);
      values.forEach((value, index) => {
        sum[index] = (sum[index] ?? 0) + value;
      });
    }
  }
  assert.ok(Math.abs(loss / terms - (read("expect.loss").values[0] ?? 0)) < 1e-12);
  for (const [name, sum] of total) {
    const expected = read(`grad.${name}`).values;
    const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    sum.forEach((value, index) => {
      const error = Math.abs(value / terms - (expected[index] ?? 0));
      assert.ok(error < 1e-10 * largest, `${name}[${index}]`);
    });
  }
});

test("the core agrees with it on any shape, with gaps and missing truths", () => {
  const cases = fc.record({
    seed: fc.integer({ min: 1, max: 1e9 }),
    batchSize: fc.constantFrom(1, 7, 8, 9, 16, 17),
    stepCount: fc.constantFrom(1, 2, 5),
    inputSize: fc.constantFrom(1, 2, 3, 16),
    hiddenSize: fc.constantFrom(4, 8, 12, 32),
    summarySize: fc.constantFrom(0, 1, 5, 24),
  });
  fc.assert(
    fc.property(cases, ({ seed, batchSize, stepCount, ...shape }) => {
      const prng = new Prng(seed);
      const layout = parameterLayout(shape);
      const parameters = initialParameters(layout, seed).map(
        (value) => value + 0.2 * (2 * prng.uniform() - 1),
      );
      const draw = (count: number, size: number) =>
        Float32Array.from({ length: count }, () => (2 * prng.uniform() - 1) * size);
      const x = draw(stepCount * batchSize * shape.inputSize, 3);
      const mask = draw(stepCount * batchSize, 1).map((v) => (v < -0.6 ? 0 : 1));
      const state = draw(batchSize * shape.hiddenSize, 1);
      const summary = draw(batchSize * shape.summarySize, 3);
      const target = draw(batchSize * 12, 4).map((v) => (v < -3 ? Number.NaN : v));
      const batch = { stepCount, batchSize, x, mask, state, summary, target };
      const got = runWindow("shared", layout, parameters, batch);
      const named = new Map(
        layout.tensors.map(({ name, offset, count }) => [
          name,
          Float64Array.from(parameters.subarray(offset, offset + count)),
        ]),
      );
      let loss = 0;
      let terms = 0;
      const sums = new Float64Array(layout.count);
      for (let b = 0; b < batchSize; b++) {
        const steps: Float64Array[] = [];
        for (let t = 0; t < stepCount; t++) {
          if (mask[t * batchSize + b] === 0) continue;
          const from = (t * batchSize + b) * shape.inputSize;
          steps.push(Float64Array.from(x.subarray(from, from + shape.inputSize)));
        }
        const row = (values: Float32Array, size: number) =>
          Float64Array.from(values.subarray(b * size, (b + 1) * size));
        const expected = referenceGradient(named, {
          x: steps,
          state: row(state, shape.hiddenSize),
          summary: row(summary, shape.summarySize),
          target: row(target, 12),
        });
        loss += expected.loss;
        terms += expected.terms;
        for (const { name, offset } of layout.tensors) {
          present(expected.gradient.get(name), name).forEach((value, index) => {
            sums[offset + index] = (sums[offset + index] ?? 0) + value;
          });
        }
      }
      assert.is(got.terms, terms);
      assert.ok(Math.abs(got.sum - loss) <= 1e-5 * Math.max(1, loss));
      for (const { name, offset, count } of layout.tensors) {
        const expected = sums.subarray(offset, offset + count);
        const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
        expected.forEach((value, index) => {
          const error = Math.abs(value - (got.gradient[offset + index] ?? 0)) / largest;
          assert.ok(error < 2e-4, `${name}[${index}]: ${error}`);
        });
      }
    }),
    { numRuns: 60 },
  );
});

test.run();
