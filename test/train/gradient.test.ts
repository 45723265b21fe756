import { suite } from "uvu";
import * as assert from "uvu/assert";
import { present } from "../../host/lib/assert.js";
import { parameterLayout } from "../../host/model/training/parameters.js";
import { readGolden } from "./golden-file.js";
import { runWindow, type WindowResult } from "./window.js";

const test = suite("training gradients");

const GOLDEN = ["gru_h32", "gru_h64", "gru_h128"];

function golden(name: string) {
  const read = readGolden(name);
  const [stepCount = 0, batchSize = 0, inputSize = 0] = read("input.x").shape;
  const hiddenSize = present(read("input.h0").shape[1], "hidden size");
  const summarySize = present(read("input.summary").shape[1], "summary size");
  const layout = parameterLayout({ inputSize, hiddenSize, summarySize });
  const parameters = new Float32Array(layout.count);
  for (const tensor of layout.tensors) parameters.set(read(tensor.name).values, tensor.offset);
  const batch = {
    stepCount,
    batchSize,
    x: read("input.x").values,
    state: read("input.h0").values,
    summary: read("input.summary").values,
    target: read("input.target").values,
  };
  return { read, layout, parameters, batch };
}

function bits(result: WindowResult): Uint32Array {
  return new Uint32Array(result.gradient.buffer.slice(0));
}

for (const name of GOLDEN) {
  test(`${name}: loss and gradients agree with torch`, () => {
    const { read, layout, parameters, batch } = golden(name);
    const result = runWindow("shared", layout, parameters, batch);
    assert.is(result.terms, batch.batchSize * 48);
    const loss = present(read("expect.loss").values[0], "loss");
    assert.ok(Math.abs(result.sum / result.terms - loss) < 2e-6, `loss ${result.sum} ${loss}`);
    for (const tensor of layout.tensors) {
      const expected = read(`grad.${tensor.name}`).values;
      const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      expected.forEach((value, index) => {
        const got = (result.gradient[tensor.offset + index] ?? 0) / result.terms;
        const error = Math.abs(got - value) / largest;
        assert.ok(error <= 1e-4, `${tensor.name}[${index}]: got ${got}, expected ${value}`);
      });
    }
  });

  test(`${name}: shared, release and debug binaries give the same bits`, () => {
    const { layout, parameters, batch } = golden(name);
    const shared = runWindow("shared", layout, parameters, batch);
    for (const binary of ["release", "debug"] as const) {
      const other = runWindow(binary, layout, parameters, batch);
      assert.is(other.sum, shared.sum);
      assert.equal(bits(other), bits(shared));
    }
  });
}

test("a truth that is NaN leaves loss, mean and gradient as if its instance were not there", () => {
  const { layout, parameters, batch } = golden("gru_h32");
  const target = Float64Array.from(batch.target);
  target.fill(Number.NaN, 12 * 2, 12 * 3);
  const masked = runWindow("shared", layout, parameters, { ...batch, target });
  assert.is(masked.terms, (batch.batchSize - 1) * 48);
  const first = { ...batch, batchSize: 1, x: instance(batch, 0, layout.shape.inputSize) };
  target.fill(Number.NaN, 12);
  const one = runWindow("shared", layout, parameters, { ...batch, target });
  const alone = runWindow("shared", layout, parameters, first);
  assert.is(one.sum, alone.sum);
  assert.equal(bits(one), bits(alone));
});

function instance(
  batch: { readonly stepCount: number; readonly batchSize: number; readonly x: Float64Array },
  index: number,
  inputSize: number,
): Float64Array {
  const rows = Array.from({ length: batch.stepCount }, (_, t) => {
    const from = (t * batch.batchSize + index) * inputSize;
    return Array.from(batch.x.subarray(from, from + inputSize));
  });
  return Float64Array.from(rows.flat());
}

test("a step without a sample is as if the step were not there", () => {
  const { layout, parameters, batch } = golden("gru_h32");
  const { inputSize } = layout.shape;
  const stride = batch.batchSize * inputSize;
  const cut = 7 * stride;
  const x = Float64Array.from([
    ...batch.x.subarray(0, cut),
    ...new Float64Array(stride),
    ...batch.x.subarray(cut),
  ]);
  const mask = new Float64Array((batch.stepCount + 1) * batch.batchSize).fill(1);
  mask.fill(0, 7 * batch.batchSize, 8 * batch.batchSize);
  const stepCount = batch.stepCount + 1;
  const plain = runWindow("shared", layout, parameters, batch);
  const gapped = runWindow("shared", layout, parameters, { ...batch, x, mask, stepCount });
  assert.is(gapped.sum, plain.sum);
  const largest = plain.gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  gapped.gradient.forEach((value, index) => {
    assert.ok(Math.abs(value - (plain.gradient[index] ?? 0)) < 1e-6 * largest);
  });
});

test.run();
