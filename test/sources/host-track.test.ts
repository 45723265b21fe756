import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NO_LIMITS, type Reading } from "../../host/sources/host/reading.js";
import { InstanceTrack, type Moment } from "../../host/sources/host/track.js";
import type { InstanceRegistration, Sample, SourceEvent } from "../../host/sources/sample.js";

const START_MS = 1_700_000_000_000;
const REGISTRATION: InstanceRegistration = {
  instanceId: "job",
  groupId: "g",
  nodeId: "n",
  priority: 0,
  interruptible: true,
};

function reading(change: Partial<Reading> = {}): Reading {
  return {
    cpuSeconds: 0,
    lifeCpuSeconds: 0,
    anonBytes: 2 ** 30,
    footprintBytes: 2 ** 31,
    diskBytes: 0,
    diskOperations: 0,
    lifeDiskBytes: 0,
    networkBytes: Number.NaN,
    connections: 3,
    cpuStallSeconds: 0,
    memoryStallSeconds: 0,
    ioStallSeconds: 0,
    oomKills: 0,
    processes: new Map([[1, 100]]),
    limits: NO_LIMITS,
    ...change,
  };
}

/** Ten seconds each; processes start as many seconds before as their mark says. */
function at(second: number, ageSeconds = 1_000): Moment {
  return { timeMs: START_MS + second * 1000, diskUnit: "MB/s", ageSeconds: () => ageSeconds };
}

const kinds = (events: readonly SourceEvent[]) => events.map(({ kind }) => kind);
function sampleOf(events: readonly SourceEvent[]): Sample {
  const found = events.find((event) => event.kind === "sample");
  if (found?.kind !== "sample") throw new Error(`no sample in ${kinds(events)}`);
  return found.sample;
}

test("an interval is what the counters rose by; the peak is that of the glances", () => {
  const track = new InstanceTrack(REGISTRATION);
  const first = sampleOf(track.see(reading({ cpuSeconds: 500 }), at(0)));
  assert.not("cpuCores" in first, "nobody knows when it used the 500 s");
  assert.is(first.memoryGiB, 1);
  assert.is(first.footprintGiB, 2);
  track.glance(502, START_MS + 1_000);
  track.glance(502.1, START_MS + 2_000);
  const later = { cpuSeconds: 505, diskBytes: 2e7, cpuStallSeconds: 1, oomKills: 2 };
  const second = sampleOf(track.see(reading({ ...later, networkBytes: 5 }), at(10)));
  assert.is(second.cpuCores, 0.5);
  assert.is(second.cpuPeakCores, 2);
  assert.is(second.disk, 2);
  assert.is(second.cpuPressure, 0.1);
  assert.is(second.oomKills, 2);
  assert.is(second.connections, 3);
  assert.not("networkMbps" in second, "a rate needs two counts");
  assert.is(second.sinceLaunchSeconds, 1_010);
  const third = { ...later, networkBytes: 2_500_005 };
  assert.is(sampleOf(track.see(reading(third), at(20))).networkMbps, 2);
});

test("operations where the deployment counts them", () => {
  const track = new InstanceTrack(REGISTRATION);
  track.see(reading(), at(0));
  const moment: Moment = { ...at(10), diskUnit: "operations/s" };
  assert.is(sampleOf(track.see(reading({ diskOperations: 70 }), moment)).disk, 7);
});

test("a life goes on while one process of it does", () => {
  const track = new InstanceTrack(REGISTRATION);
  const two = new Map([
    [1, 100],
    [2, 100],
  ]);
  track.see(reading({ processes: two }), at(0));
  assert.equal(kinds(track.see(reading({ processes: new Map([[2, 100]]) }), at(10))), ["sample"]);
});

test("all processes are others: a new life, and its first sample is its own", () => {
  const track = new InstanceTrack(REGISTRATION);
  track.see(reading({ cpuSeconds: 900 }), at(0));
  const next = reading({
    cpuSeconds: 909,
    lifeCpuSeconds: 8,
    lifeDiskBytes: 4e6,
    processes: new Map([[1, 777]]),
  });
  const events = track.see(next, at(10, 4));
  assert.equal(kinds(events), ["stopped", "restarted", "sample"]);
  assert.equal(events[1], { kind: "restarted", instanceId: "job", timeMs: START_MS + 6_000 });
  const sample = sampleOf(events);
  assert.is(sample.cpuCores, 2);
  assert.is(sample.disk, 1);
  assert.is(sample.sinceLaunchSeconds, 4);
});

test("gone, and back under the same identity", () => {
  const track = new InstanceTrack(REGISTRATION);
  track.see(reading(), at(0));
  assert.equal(track.gone(at(10).timeMs), [
    { kind: "stopped", instanceId: "job", timeMs: START_MS + 10_000, cause: "unknown" },
  ]);
  assert.equal(track.gone(at(20).timeMs), []);
  const back = track.see(reading({ processes: new Map([[9, 900]]) }), at(30, 2));
  assert.equal(kinds(back), ["restarted", "sample"]);
  assert.equal(back[0], { kind: "restarted", instanceId: "job", timeMs: START_MS + 28_000 });
});

test("a kill for want of memory is a failure", () => {
  const track = new InstanceTrack(REGISTRATION);
  track.see(reading(), at(0));
  const dead = reading({ processes: new Map(), oomKills: 1 });
  assert.equal(track.see(dead, at(10)), [
    { kind: "stopped", instanceId: "job", timeMs: START_MS + 10_000, cause: "failed" },
  ]);
});

test("a whole life between two looks is seen by what it used", () => {
  const track = new InstanceTrack(REGISTRATION);
  track.see(reading({ processes: new Map() }), at(0));
  const events = track.see(reading({ processes: new Map(), cpuSeconds: 5 }), at(10));
  assert.equal(kinds(events), ["restarted", "sample", "stopped"]);
  assert.is(sampleOf(events).cpuCores, 0.5);
  assert.equal(track.see(reading({ processes: new Map(), cpuSeconds: 5 }), at(20)), []);
});

test("whatever the counters do, times rise, no value is negative or no number", () => {
  const look = fc.record({
    cpuSeconds: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1e6, noNaN: true })),
    diskBytes: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1e12, noNaN: true })),
    oomKills: fc.nat(3),
    pids: fc.array(fc.nat(3), { maxLength: 3 }),
    age: fc.double({ min: 0, max: 100, noNaN: true }),
    isGone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 20 }), (looks) => {
      const track = new InstanceTrack(REGISTRATION);
      let isUp = false;
      let lastMs = 0;
      looks.forEach(({ cpuSeconds, diskBytes, oomKills, pids, age, isGone }, index) => {
        const processes = new Map(pids.map((pid) => [pid, pid] as const));
        const moment = at(index * 10, age);
        const next = reading({ cpuSeconds, diskBytes, oomKills, processes });
        const events = isGone ? track.gone(moment.timeMs) : track.see(next, moment);
        for (const event of events) {
          if (event.kind === "registered") continue;
          const timeMs = event.kind === "sample" ? event.sample.timeMs : event.timeMs;
          assert.ok(timeMs >= lastMs, "backwards");
          lastMs = timeMs;
          if (event.kind === "stopped") {
            assert.ok(isUp, "stopped twice");
            isUp = false;
            continue;
          }
          isUp = true;
          if (event.kind !== "sample") continue;
          const { instanceId: _, timeMs: __, ...values } = event.sample;
          for (const value of Object.values(values)) {
            assert.ok(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY);
          }
        }
        assert.is(track.isUp, isUp);
      });
    }),
  );
});

test.run();
