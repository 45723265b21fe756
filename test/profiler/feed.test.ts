import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { feed } from "../../host/profiler/feed.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { readBitbrains } from "../../host/sources/bitbrains/bitbrains-source.js";
import type { SampleSource, SourceEvent } from "../../host/sources/sample.js";
import { FLEET_START_MS, registrationOf, sampleOf, untrainedWeights } from "../support/fleet.js";

const weights = untrainedWeights(6);
const TRACE = new URL("../../../../test/data/bitbrains_rnd/series/rnd_1.csv.gz", import.meta.url)
  .pathname;

/** Without shadow cuts: the drift watch would demote these untrained weights, as it should. */
function open(): Profiler {
  const clock = new VirtualClock(FLEET_START_MS + 400 * 86_400_000);
  return Profiler.open({ maxInstances: 8, weights, workers: 0, clock, shadowCutsPerTick: 0 });
}

function sourceOf(events: readonly SourceEvent[]): SampleSource {
  return {
    name: "list",
    dropped: new Map(),
    async *[Symbol.asyncIterator]() {
      yield* events;
    },
  };
}

test("a real trace runs through, however it is split into ticks", async () => {
  const states: string[] = [];
  for (const samplesPerTick of [1, 64, 1_000_000]) {
    const profiler = open();
    const source = readBitbrains(TRACE, { instanceId: "vm" });
    const report = await feed(profiler, source, { samplesPerTick });
    assert.ok(report.sampleCount > 100);
    assert.is(report.dropped.size, 0);
    const profile = profiler.profile("vm");
    assert.is(profile.rung, 0);
    assert.ok(profile.predictedMemoryGiB > 0);
    states.push(profiler.stateDigest("vm"));
    await profiler.close();
  }
  assert.is(new Set(states).size, 1);
});

test("bad events are counted and the stream goes on", async () => {
  const profiler = open();
  const timeMs = FLEET_START_MS;
  const report = await feed(
    profiler,
    sourceOf([
      { kind: "sample", sample: sampleOf(0, 0) },
      { kind: "stopped", instanceId: "i0", timeMs, cause: "failed" },
      { kind: "registered", registration: registrationOf(0), timeMs },
      { kind: "sample", sample: sampleOf(0, 1) },
      { kind: "sample", sample: { ...sampleOf(0, 2), cpuCores: -1 } },
      { kind: "restarted", instanceId: "i0", timeMs: timeMs - 1 },
      { kind: "sample", sample: sampleOf(0, 3) },
    ]),
    { samplesPerTick: 10 },
  );
  assert.equal(
    [...report.dropped],
    [
      ["unknown-id", 1],
      ["ERR_UNKNOWN_ID", 1],
      ["negative", 1],
      ["ERR_ARGUMENT", 1],
    ],
  );
  assert.equal([report.eventCount, report.sampleCount, report.tickCount], [7, 2, 1]);
  assert.is(profiler.profile("i0").samplesInIncarnation, 2);
  await profiler.close();
});

test("a source that breaks stops the feed with its own error", async () => {
  const profiler = open();
  const source = readBitbrains("/nowhere/at-all.csv", { instanceId: "vm" });
  const code = await feed(profiler, source, { samplesPerTick: 8 }).catch((error) => error.code);
  assert.is(code, "ERR_ARGUMENT");
  assert.is(profiler.instanceCount, 0);
  await profiler.close();
});

test.run();
