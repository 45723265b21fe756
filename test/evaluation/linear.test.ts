import { suite } from "uvu";
import * as assert from "uvu/assert";
import { QUANTILES } from "../../host/core/abi.js";
import { Prng } from "../../host/lib/prng.js";
import { pinball } from "../../host/model/evaluation/figures.js";
import { fitLinearQuantiles } from "../../host/model/evaluation/linear-quantiles.js";

const test = suite("linear quantile regression");

const ROWS = 4_000;

/** y = 1 + 2 a - b + (1 + c) u, u uniform in 0..1: each quantile is a plane. */
function planes() {
  const prng = new Prng(7);
  const features = new Float32Array(ROWS * 3);
  const targets = new Float32Array(ROWS * 2);
  for (let row = 0; row < ROWS; row++) {
    const [a, b, c] = [prng.uniform(), prng.uniform(), prng.uniform()];
    features.set([a, b, c], row * 3);
    targets[2 * row] = 1 + 2 * a - b + (1 + c) * prng.uniform();
    // The other target is missing in one row of three.
    targets[2 * row + 1] = row % 3 === 0 ? Number.NaN : 3 * c;
  }
  return { features, featureCount: 3, targets, targetCount: 2 };
}

test("finds the planes of every level, missing truths left out", () => {
  const weights = fitLinearQuantiles(planes(), 1);
  QUANTILES.forEach((level, k) => {
    const [a = 0, b = 0, c = 0, addend = 0] = weights.subarray(4 * k, 4 * k + 4);
    const shown = `${level}: ${[a, b, c, addend]}`;
    assert.ok(Math.abs(a - 2) < 0.12, shown);
    assert.ok(Math.abs(b + 1) < 0.12, shown);
    assert.ok(Math.abs(c - level) < 0.12, shown);
    assert.ok(Math.abs(addend - 1 - level) < 0.12, shown);
    const exact = weights.subarray(16 + 4 * k, 20 + 4 * k);
    assert.ok(Math.abs((exact[2] ?? 0) - 3) < 0.12, `${exact}`);
  });
});

test("its loss is that of the true quantiles within a hundredth", () => {
  const data = planes();
  const weights = fitLinearQuantiles(data, 1);
  QUANTILES.forEach((level, k) => {
    let [ours, best] = [0, 0];
    for (let row = 0; row < ROWS; row++) {
      const [a = 0, b = 0, c = 0] = data.features.subarray(3 * row, 3 * row + 3);
      const [wa = 0, wb = 0, wc = 0, addend = 0] = weights.subarray(4 * k, 4 * k + 4);
      const truth = data.targets[2 * row] ?? 0;
      ours += pinball(truth, wa * a + wb * b + wc * c + addend, level);
      best += pinball(truth, 1 + 2 * a - b + (1 + c) * level, level);
    }
    assert.ok(ours < 1.01 * best, `${level}: ${ours} against ${best}`);
  });
});

test("the same seed gives the same bits, another one others", () => {
  const data = planes();
  const bits = (seed: number) => new Uint8Array(fitLinearQuantiles(data, seed).buffer);
  const first = bits(1);
  assert.equal(bits(1), first);
  assert.not.equal(bits(2), first);
});

test.run();
