import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Prng } from "../../host/lib/prng.js";
import { sigmoidReference, softplusReference } from "../../host/model/reference.js";
import { KernelBed, sameBits } from "../support/kernel-bed.js";

const test = suite("functions");

const SAMPLES = 400_000;

interface SweptFunction {
  readonly name: string;
  readonly which: number;
  readonly reference: (x: number) => number;
  /** Where the bound holds. */
  readonly within: (x: number) => boolean;
  /** Largest absolute error, or, with `relative`, error over the true value. */
  readonly bound: number;
  readonly relative: boolean;
}

const everywhere = () => true;
const FUNCTIONS: readonly SweptFunction[] = [
  {
    name: "exp",
    which: 0,
    reference: Math.exp,
    within: (x) => Math.abs(x) <= 87,
    bound: 3e-7,
    relative: true,
  },
  {
    name: "sigmoid",
    which: 1,
    reference: sigmoidReference,
    within: everywhere,
    bound: 1.1e-7,
    relative: false,
  },
  {
    name: "tanh",
    which: 2,
    reference: Math.tanh,
    within: everywhere,
    bound: 1.6e-7,
    relative: false,
  },
  {
    name: "silu",
    which: 3,
    reference: (x) => x * sigmoidReference(x),
    // Sigmoid's relative error grows with -x: its exponent is rounded once, as a whole.
    within: (x) => x >= -16,
    bound: 1.2e-6,
    relative: true,
  },
  {
    name: "sinh",
    which: 4,
    reference: Math.sinh,
    within: (x) => Math.abs(x) <= 87,
    bound: 4e-7,
    relative: true,
  },
  {
    name: "log",
    which: 5,
    reference: Math.log,
    within: (x) => x > 0,
    bound: 2e-7,
    relative: true,
  },
  {
    name: "log1p",
    which: 6,
    reference: Math.log1p,
    within: (x) => x >= 0,
    bound: 2.5e-7,
    relative: true,
  },
  {
    name: "asinh",
    which: 7,
    reference: Math.asinh,
    within: everywhere,
    bound: 4e-7,
    relative: true,
  },
  {
    name: "softplus",
    which: 8,
    reference: softplusReference,
    within: (x) => x >= -87,
    bound: 4e-7,
    relative: true,
  },
];

/** A third spread over the finite bit patterns, a third over +-100, a third over +-4. */
function samples(): Float32Array {
  const prng = new Prng(20260101);
  const out = new Float32Array(SAMPLES);
  const bits = new Uint32Array(out.buffer);
  for (let index = 0; index < SAMPLES; index++) {
    if (index % 3 === 0) {
      do bits[index] = prng.uint32();
      while (!Number.isFinite(out[index] as number));
    } else {
      out[index] = (prng.uniform() * 2 - 1) * (index % 3 === 1 ? 100 : 4);
    }
  }
  return out.sort();
}

function sweep(binary: "release" | "shared" | "debug", which: number, x: Float32Array) {
  const bed = new KernelBed(binary, 128);
  const input = bed.put(x);
  const output = bed.alloc(input.bytes);
  bed.run([output], (kernel) => kernel.sweep(which, input.ptr, output.ptr, x.length));
  return bed.floats(output).slice();
}

function errorOf(one: SweptFunction, x: number, found: number): number {
  const expected = one.reference(x);
  const error = Math.abs(found - expected);
  if (!one.relative) return error;
  // A true value below the smallest normal float cannot be met relatively.
  return Math.abs(expected) < 2e-38 ? 0 : error / Math.abs(expected);
}

const xs = samples();

for (const one of FUNCTIONS) {
  const kind = one.relative ? "relative" : "absolute";
  test(`${one.name}: ${kind} error at most ${one.bound} over ${SAMPLES} floats`, () => {
    const found = sweep("release", one.which, xs);
    let worst = 0;
    let at = 0;
    for (let index = 0; index < SAMPLES; index++) {
      const x = xs[index] as number;
      if (!one.within(x)) continue;
      const error = errorOf(one, x, found[index] as number);
      if (error <= worst) continue;
      worst = error;
      at = x;
    }
    if (process.argv.includes("--print")) console.log(one.name, kind, worst, "at", at);
    assert.ok(worst <= one.bound, `${worst} at ${at}`);
  });

  test(`${one.name}: release, shared and debug give the same bits; NaN stays NaN`, () => {
    const few = xs.filter((_, index) => index % 97 < 4);
    const special = Float32Array.from([...few.slice(0, 4000), Number.NaN, -0, 0, 1e-42]);
    const release = sweep("release", one.which, special);
    assert.ok(sameBits(sweep("shared", one.which, special), release));
    assert.ok(sameBits(sweep("debug", one.which, special), release));
    assert.ok(Number.isNaN(release[4000]), "NaN");
  });
}

test("at the edges", () => {
  const edges = Float32Array.from([0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  const of = (which: number) => Array.from(sweep("release", which, edges));
  assert.equal(of(1).slice(0, 3), [0.5, 0.5, 1], "sigmoid");
  assert.ok((of(1)[3] ?? 1) < 1e-37, "sigmoid");
  assert.ok(sameBits(Float32Array.from(of(2)), Float32Array.from([0, 0, 1, -1])), "tanh");
  const [log0, logMinus0, logInf, logMinusInf] = of(5);
  assert.equal([log0, logMinus0, logInf], [-Infinity, -Infinity, Infinity], "log");
  assert.ok(Number.isNaN(logMinusInf), "log of a negative number");
  assert.ok(
    sameBits(Float32Array.from(of(7)), Float32Array.from([0, -0, Infinity, -Infinity])),
    "asinh",
  );
  assert.equal(of(6).slice(0, 3), [0, 0, Infinity], "log1p");
  const [, , sinhInf = 0, sinhMinusInf = 0] = of(4);
  assert.ok(sinhInf > 1e37 && Number.isFinite(sinhInf) && sinhMinusInf === -sinhInf, "sinh");
});

test("small arguments stay exact: tanh, sinh and asinh of a denormal are that denormal", () => {
  const tiny = Float32Array.from([1e-42, -1e-42, 1e-40, 1e-30]);
  for (const which of [4, 7]) {
    assert.ok(sameBits(sweep("release", which, tiny), tiny), `function ${which}`);
  }
});

test.run();
