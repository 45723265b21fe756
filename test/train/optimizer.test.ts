import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ArenaPlan } from "../../host/core/arena.js";
import { openOver } from "./window.js";

const test = suite("training optimizer kernels");

const values = (count: number) =>
  fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: count, maxLength: count });

function arena(count: number, regions: number) {
  const plan = new ArenaPlan(4096);
  const all = Array.from({ length: regions }, (_, index) => plan.region(`${index}`, count * 4));
  const core = openOver("shared", plan);
  const views = all.map(({ ptr }) => new Float32Array(core.memory.buffer, ptr, count));
  return { kernel: core.kernel, ptr: all.map(({ ptr }) => ptr), views };
}

test("adamStep follows the equations in float64 over several steps", () => {
  fc.assert(
    fc.property(values(8), fc.array(values(8), { minLength: 1, maxLength: 6 }), (start, slopes) => {
      const { kernel, ptr, views } = arena(8, 4);
      const [weights, gradient] = views;
      weights?.set(start);
      const w = Float64Array.from(weights ?? []);
      const mean = new Float64Array(8);
      const square = new Float64Array(8);
      slopes.forEach((slope, index) => {
        gradient?.set(slope);
        const t = index + 1;
        const correction1 = 1 - 0.9 ** t;
        const correction2 = 1 - 0.999 ** t;
        const [pw = 0, pg = 0, pm = 0, ps = 0] = ptr;
        const step = 0.01 / correction1;
        kernel.adamStep(pw, pg, pm, ps, 8, 0.5, step, 0.9, 0.999, 1 / correction2, 1e-8, 0.98);
        for (let i = 0; i < 8; i++) {
          const g = 0.5 * (gradient?.[i] ?? 0);
          mean[i] = 0.9 * (mean[i] ?? 0) + 0.1 * g;
          square[i] = 0.999 * (square[i] ?? 0) + 0.001 * g * g;
          const root = Math.sqrt((square[i] ?? 0) / correction2) + 1e-8;
          w[i] = 0.98 * (w[i] ?? 0) - (step * (mean[i] ?? 0)) / root;
        }
      });
      w.forEach((value, i) => {
        assert.ok(Math.abs(value - (weights?.[i] ?? 0)) < 2e-5, `${value} ${weights?.[i]}`);
      });
    }),
    { numRuns: 50 },
  );
});

test("gradientSum adds blocks in their order and squaredNorm squares in float64", () => {
  fc.assert(
    fc.property(values(12), values(12), values(12), (a, b, c) => {
      const { kernel, ptr, views } = arena(12, 4);
      for (const [index, source] of [a, b, c].entries()) views[index]?.set(source);
      const [first = 0, second = 0, , out = 0] = ptr;
      kernel.gradientSum(first, second - first, 3, out, 12, 0.25);
      for (let i = 0; i < 12; i++) {
        const [x = 0, y = 0, z = 0] = views.slice(0, 3).map((view) => view[i] ?? 0);
        const expected = Math.fround(Math.fround(Math.fround(x + y) + z) * 0.25);
        assert.is(views[3]?.[i], expected);
      }
      const norm = views[3]?.reduce((sum, value) => sum + value * value, 0) ?? 0;
      assert.ok(Math.abs(kernel.squaredNorm(out, 12) - norm) <= 1e-12 * Math.max(1, norm));
    }),
    { numRuns: 50 },
  );
});

test("asinhRatio is asinh of the quotient, and NaN stays NaN", () => {
  const { kernel, ptr, views } = arena(8, 3);
  const [y = [], s = [], out = []] = views;
  views[0]?.set([0, 1e-9, 0.3, 1, 50, 1e6, Number.NaN, 3]);
  views[1]?.set([1, 1, 0.1, 1, 2, 0.01, 1, Number.NaN]);
  const [py = 0, ps = 0, po = 0] = ptr;
  kernel.asinhRatio(py, ps, po, 8);
  for (let i = 0; i < 6; i++) {
    const expected = Math.asinh((y[i] ?? 0) / (s[i] ?? 1));
    assert.ok(Math.abs((out[i] ?? 0) - expected) <= 2e-6 * Math.max(1, expected));
  }
  assert.ok(Number.isNaN(out[6]) && Number.isNaN(out[7]));
});

test.run();
