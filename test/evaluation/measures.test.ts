import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sinh } from "../../host/lib/arithmetic.js";
import { pairedChange } from "../../host/model/evaluation/bootstrap.js";
import { sizeDeciles } from "../../host/model/evaluation/deciles.js";
import {
  coverage,
  crps,
  measure,
  shareBelow,
  weeklyCoverage,
} from "../../host/model/evaluation/measures.js";
import type { Amounts, ScoreTable } from "../../host/model/evaluation/score-table.js";
import { TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import type { EventRecord } from "../../host/model/training/dataset.js";

const test = suite("measures");

const DAY = 86_400;

function near(got: number | undefined, expected: number): void {
  const error = Math.abs((got ?? Number.NaN) - expected);
  assert.ok(error < 1e-6, `got ${got}, expected ${expected}`);
}

/** Native values double as their own asinh values, so that sums are easy. */
function same(values: readonly number[]): Amounts {
  return { native: Float32Array.from(values), asinh: Float32Array.from(values) };
}

/** Rows of cpu in the first phase, one event a day from day 63 on. */
function tableOf(truth: readonly number[], instance: readonly number[]): ScoreTable {
  const rows = truth.length;
  const events = truth.map((_, day) => ({
    event: day,
    tile: 0,
    cut: {
      set: "test" as const,
      at: TRACE_START_SECONDS + (63 + day) * DAY,
      atSample: false,
      outages: [],
    },
    at: new Float64Array(8),
    scale: new Float32Array(32),
    cap: new Float32Array(32),
  })) satisfies EventRecord[];
  return {
    rows,
    instances: ["a", "b"],
    instance: Uint16Array.from(instance),
    group: Uint32Array.from(truth, (_, row) => row),
    events,
    event: Uint32Array.from(truth, (_, row) => row),
    column: new Uint8Array(rows),
    scale: Float32Array.from(truth, (_, row) => row + 1),
    cap: new Float32Array(rows).fill(Number.NaN),
    truth: same(truth),
  };
}

test("measures by hand", () => {
  const table = tableOf([1, 2, 4], [0, 0, 1]);
  const amounts = same([2, 2, 3]);
  const {
    truths,
    aPin95,
    wQL95,
    coverage: covered,
    slack,
    deficit,
  } = measure(table, amounts, [0, 1, 2]);
  assert.is(truths, 3);
  // Over by 1, 0, under by 1.
  near(aPin95, (0.05 + 0.95) / 3);
  near(wQL95, (2 * (0.05 + 0.95)) / 7);
  near(covered, 2 / 3);
  near(slack, 1 / 7);
  near(deficit, 1 / 7);
  near(coverage(table, amounts, [2]), 0);
});

test("CRPS on the four levels by hand", () => {
  const table = tableOf([1], [0]);
  const quantiles = [0, 1, 2, 3].map((value) => same([value]));
  // .5 (1 - 0) + 0 + .05 (2 - 1) + .01 (3 - 1), times 2 / 4.
  near(crps(table, quantiles, [0]), (0.5 + 0.05 + 0.02) / 2);
});

test("weeks begin with the first test day", () => {
  const table = tableOf(new Array(9).fill(1), new Array(9).fill(0));
  const weeks = weeklyCoverage(table, same([0, 1, 1, 1, 1, 1, 1, 1, 0]), [...table.event], 63);
  assert.equal(
    weeks.map(({ week, truths }) => [week, truths]),
    [
      [1, 7],
      [2, 2],
    ],
  );
  near(weeks[0]?.coverage, 6 / 7);
  near(weeks[1]?.coverage, 1 / 2);
});

test("share of instances whose own coverage is low", () => {
  const instance = Array.from({ length: 80 }, (_, row) => (row < 40 ? 0 : 1));
  const table = tableOf(new Array(80).fill(1), instance);
  // a: 30 of 40 covered; b: all.
  const amounts = same(instance.map((_, row) => (row < 10 ? 0 : 1)));
  const rows = instance.map((_, row) => row);
  near(shareBelow(table, amounts, rows, 0.85), 0.5);
  near(shareBelow(table, amounts, rows, 0.7), 0);
  // An instance with fewer than 30 truths does not count.
  near(shareBelow(table, amounts, rows.slice(25), 0.85), 0);
});

test("tenths by size", () => {
  const table = tableOf(new Array(20).fill(1), new Array(20).fill(0));
  const rows = [...table.event].reverse();
  const deciles = sizeDeciles(table, [same(new Array(20).fill(1)), same(rows)], rows);
  assert.is(deciles.length, 10);
  assert.equal(
    deciles.map(({ scale }) => scale),
    [2, 4, 6, 8, 10, 12, 14, 16, 18, 20],
  );
  near(deciles[0]?.coverage, 1);
  // Amounts 19 and 18 for truths of 1.
  near(deciles[0]?.best, (0.05 * (18 + 17)) / 2);
});

test("the change is the ratio of the phases' mean losses, its interval pairs instances", () => {
  const losses = [
    { instance: 0, phase: 0, ours: 1, theirs: 2 },
    { instance: 0, phase: 0, ours: 3, theirs: 2 },
    { instance: 1, phase: 1, ours: 1, theirs: 4 },
  ];
  // (2 + 1) / (2 + 4) - 1.
  near(pairedChange(losses).change, -0.5);
  // A fixed ratio has no spread, whichever instances are drawn.
  const fixed = Array.from({ length: 60 }, (_, index) => ({
    instance: index % 20,
    phase: index % 3,
    ours: 0.7 * (index + 1),
    theirs: index + 1,
  }));
  const { change, interval } = pairedChange(fixed);
  for (const value of [change, ...interval]) near(value, -0.3);
  const mixed = fixed.map((loss, index) => ({ ...loss, ours: loss.theirs * (index % 2) }));
  const { change: middle, interval: around } = pairedChange(mixed, 7);
  assert.ok(around[0] < middle && middle < around[1], `${around} around ${middle}`);
  assert.equal(pairedChange(mixed, 7).interval, around);
});

test("sinh agrees with the host's", () => {
  for (const x of [-20, -1, -1e-3, 0, 1e-3, 0.5, 3, 20, 80]) {
    const expected = Math.sinh(x);
    assert.ok(Math.abs(sinh(x) - expected) <= 1e-12 * Math.max(1e-3, Math.abs(expected)), `${x}`);
  }
});

test.run();
