import { readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TILE_HIDDEN, TILE_LANES } from "../../host/core/abi.js";
import { ArenaPlan } from "../../host/core/arena.js";
import {
  assertDisjoint,
  envelopeOffset,
  hiddenOffset,
  keepOffset,
  planProfiler,
  tileBytes,
} from "../../host/core/plan.js";
import { CoreViews } from "../../host/core/views.js";
import { isRepriseError } from "../../host/lib/errors.js";

test("regions are disjoint, aligned, inside the memory and frozen, for any sizes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 32 }).map((quarter) => quarter * 4),
      fc.integer({ min: 0, max: 64 }),
      fc.nat(9_999),
      (maxInstances, hiddenSize, workers, headScratchBytes) => {
        const arena = new ArenaPlan(1_024);
        const plan = planProfiler(arena, { maxInstances, hiddenSize, workers, headScratchBytes });
        assertDisjoint(arena.regions);
        const end = arena.pages * 65_536;
        for (const region of arena.regions) {
          assert.is(region.ptr % 64, 0);
          assert.ok(region.ptr + region.bytes <= end);
        }
        assert.ok(plan.tileCount * TILE_LANES >= maxInstances);
        const slices = workers > 0 && plan.tileCount > plan.journalTiles ? 4 : 1;
        assert.is(plan.sliceCount, slices);
        assert.is(plan.scratch.length, Math.max(1, workers) + 1);
        assert.is(keepOffset(plan, 2), plan.tileBytes);
        assert.ok(Object.isFrozen(plan) && Object.isFrozen(plan.scratch));
      },
    ),
    { numRuns: 60 },
  );
});

test("a tile of the shipped network takes at most 2 KiB an instance with its share of the inbox", () => {
  const plan = planProfiler(new ArenaPlan(1_024), {
    maxInstances: 1_048_576,
    hiddenSize: 32,
    workers: 2,
    headScratchBytes: 5_120,
  });
  assert.ok(plan.tileBytes + 384 <= 2_048 * TILE_LANES);
  assert.is(plan.tileBytes, tileBytes(32));
  const offsets = [hiddenOffset(plan, 0), hiddenOffset(plan, 1), envelopeOffset(plan, 0)];
  assert.equal(offsets, [TILE_HIDDEN, TILE_HIDDEN + 1_024, TILE_HIDDEN + 2_048]);
});

test("sizes outside the limits are refused by name", () => {
  const sizes = { maxInstances: 8, hiddenSize: 32, workers: 1, headScratchBytes: 0 };
  for (const change of [
    { maxInstances: 0 },
    { maxInstances: 1.5 },
    { maxInstances: 2_000_000 },
    { workers: 65 },
    { workers: -1 },
    { hiddenSize: 132 },
    { journalTiles: 0 },
  ]) {
    try {
      planProfiler(new ArenaPlan(1_024), { ...sizes, ...change });
      assert.unreachable(JSON.stringify(change));
    } catch (error) {
      assert.ok(isRepriseError(error) && error.code === "ERR_LIMIT");
    }
  }
});

test("docs/abi.md lists the regions in their order", () => {
  const page = readFileSync(new URL("../../../../docs/abi.md", import.meta.url), "utf8");
  const section = page.split("## The profiler's memory")[1]?.split("\n## ")[0] ?? "";
  const listed = [...section.matchAll(/^\| `([\w ]+)` \|/gm)].map((match) => match[1]);
  const arena = new ArenaPlan(1_024);
  planProfiler(arena, { maxInstances: 80, hiddenSize: 32, workers: 2, headScratchBytes: 64 });
  const names = arena.regions.map(({ name }) => name.replace(/\d+$/, "N"));
  assert.equal(listed, [...new Set(names)]);
});

test("overlapping regions are found", () => {
  assert.throws(() =>
    assertDisjoint([
      { name: "a", ptr: 0, bytes: 65 },
      { name: "b", ptr: 64, bytes: 1 },
    ]),
  );
});

test("views re-bind when the memory's buffer is another object", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const views = new CoreViews(memory);
  const before = views.u8;
  assert.is(views.u8, before);
  memory.grow(1);
  assert.is(views.u8.length, 131_072);
  views.f64[16_383] = 1.5;
  assert.is(views.f32[32_767], 1.9375);
});

test.run();
