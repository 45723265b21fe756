import { test } from "uvu";
import * as assert from "uvu/assert";
import { errorJson, formatTable, toJson } from "../../host/cli/output.js";

test("a table puts text left and numbers right", () => {
  const table = formatTable(
    ["resource", "need", "room"],
    [
      ["cpu", "1.5", "12"],
      ["memory", "10.25", "8"],
    ],
  );
  assert.equal(table.split("\n"), [
    "resource   need  room",
    "cpu         1.5    12",
    "memory    10.25     8",
  ]);
});

test("a short row leaves its last cells empty", () => {
  assert.equal(formatTable(["a", "b"], [["x"]]).split("\n"), ["a  b", "x"]);
});

test("JSON takes big integers and survives a cycle", () => {
  assert.is(toJson({ bytes: 2n ** 60n }), '{"bytes":"1152921504606846976"}');
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assert.is(toJson(cycle), '"[object Object]"');
});

test("an error names the number that JSON has not", () => {
  const error = { got: Number.POSITIVE_INFINITY, list: [Number.NaN, 1, null] };
  assert.is(errorJson({ error }), '{"error":{"got":"Infinity","list":["NaN",1,null]}}');
});

test.run();
