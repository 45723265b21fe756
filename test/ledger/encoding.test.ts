import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canonicalJson, keptCanonicalJson } from "../../host/ledger/encoding.js";
import { RepriseError } from "../../host/lib/errors.js";

const test = suite("canonical JSON");

/** As plainly as it can be said. */
function reference(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(reference).join(",")}]`;
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${reference(field)}`).join(",")}}`;
}

const keys = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom("__proto__", "10", "9", "1a", "a", "b", "é", "toString"),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(0, -0, 1e21, 5e-324, 0.1, null, true, "", '"\\\n', "\ud800", undefined),
    fc.array(
      tie("tree").filter((item) => item !== undefined),
      { maxLength: 5 },
    ),
    fc.array(fc.tuple(keys, tie("tree")), { maxLength: 6 }).map(Object.fromEntries),
  ),
}));

test("any plain value is written as the plainest writer would", () => {
  fc.assert(
    fc.property(tree, (value) => {
      fc.pre(value !== undefined);
      assert.is(canonicalJson(value), reference(value));
    }),
    { numRuns: 2_000 },
  );
});

test("the order in which fields were set does not show, and the value is left as it was", () => {
  const value = { b: { d: [{ z: 1, y: 2 }], c: -0 }, a: undefined, "10": 1, "9": 2 };
  const before = structuredClone(value);
  assert.is(canonicalJson(value), '{"10":1,"9":2,"b":{"c":0,"d":[{"y":2,"z":1}]}}');
  assert.equal(value, before);
  assert.equal(Object.keys(value.b), ["d", "c"]);
});

test("what cannot be stored is refused wherever it is", () => {
  const circle: { self?: unknown } = {};
  circle.self = [circle];
  const bad: unknown[] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1n,
    () => 1,
    Symbol("s"),
    new Map(),
    circle,
  ];
  bad.push(new Float64Array(2), new Date(0), [undefined], new Array<number>(2));
  for (const value of bad) {
    for (const whole of [value, [1, value], { z: 1, a: { c: value, b: 1 } }]) {
      const error = thrownBy(() => canonicalJson(whole));
      assert.is(error.code, "ERR_LEDGER");
    }
  }
  const error = thrownBy(() => canonicalJson({ rows: [{ need: [1, Number.NaN] }] }));
  assert.is(error.context.field, "value.rows.0.need.1");
});

test("depth is no limit short of the engine's own", () => {
  let value: unknown = { b: 1, a: 2 };
  let text = '{"a":2,"b":1}';
  for (let level = 0; level < 500; level++) {
    value = [value];
    text = `[${text}]`;
  }
  assert.is(canonicalJson(value), text);
});

test("a kept text stands for the object wherever it is a field, and is the same text", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, tree), { maxLength: 6 }), (entries) => {
      const inputs = Object.fromEntries(entries);
      const fresh = canonicalJson({ z: 1, inputs, a: [2] });
      assert.is(keptCanonicalJson(inputs), canonicalJson(inputs));
      assert.is(canonicalJson({ z: 1, inputs, a: [2] }), fresh);
      assert.is(keptCanonicalJson(inputs), reference(inputs));
    }),
  );
});

function thrownBy(act: () => unknown): RepriseError {
  try {
    act();
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test.run();
