import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkSample } from "../../host/profiler/sample-check.js";
import type { Sample } from "../../host/sources/sample.js";

const NOW = 1_400_000_000_000;
const good: Sample = {
  instanceId: "a",
  timeMs: NOW,
  cpuCores: 1,
  perCoreCores: [0.5, 0.5],
  memoryGiB: 2,
};

test("a good sample passes, with everything or with nothing but its time", () => {
  assert.is(checkSample(good, NOW), undefined);
  assert.is(checkSample({ instanceId: "a", timeMs: NOW }, NOW), undefined);
  assert.is(checkSample({ ...good, cpuCores: 0, disk: 0, networkMbps: -0 }, NOW), undefined);
});

test("each bad value has its reason", () => {
  const cases: [Partial<Record<keyof Sample, unknown>>, string][] = [
    [{ timeMs: Number.NaN }, "bad-time"],
    [{ timeMs: -1 }, "bad-time"],
    [{ timeMs: Number.POSITIVE_INFINITY }, "bad-time"],
    [{ timeMs: "1" }, "bad-time"],
    [{ timeMs: NOW + 25 * 3_600_000 }, "future"],
    [{ cpuCores: Number.NaN }, "not-a-number"],
    [{ memoryGiB: "3" }, "not-a-number"],
    [{ networkMbps: -1e-9 }, "negative"],
    [{ disk: Number.POSITIVE_INFINITY }, "absurd"],
    [{ cpuPeakCores: 1e9 }, "absurd"],
    [{ connections: -1 }, "negative"],
    [{ sinceLaunchSeconds: 1e12 }, "absurd"],
    [{ perCoreCores: [1, Number.NaN] }, "not-a-number"],
    [{ perCoreCores: [1, undefined] }, "not-a-number"],
    [{ perCoreCores: [1, -1] }, "negative"],
    [{ perCoreCores: 3 }, "not-a-number"],
  ];
  for (const [change, reason] of cases) {
    const sample = { ...good, ...change } as Sample;
    assert.is(checkSample(sample, NOW), reason, JSON.stringify(change));
  }
});

test.run();
