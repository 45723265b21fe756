import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CheckpointClaims } from "../../host/coordinator/checkpoints.js";
import { DEFAULT_POLICY, interruptionCost, MINUTE_MS } from "../../host/coordinator/policy.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { interruption, NOW } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("checkpoints");

/** MB/s that each instance moves. */
function loadOf(rates: Map<string, number>) {
  return {
    nodeUsage: () => undefined,
    instanceUsage: (id: string) => [0, 0, 0, rates.get(id) ?? Number.NaN],
  };
}

test("a claim is believed only when the disk could have carried it, and spends what it saw", () => {
  const rates = new Map([["v", 10]]);
  const claims = new CheckpointClaims(loadOf(rates));
  assert.not.ok(claims.isBelieved("v", NOW, 1), "nothing was seen before the first claim");
  claims.watch(NOW + MINUTE_MS);
  // 600 MB in a minute carry half a GiB and no whole one.
  assert.not.ok(claims.isBelieved("v", NOW + MINUTE_MS, 1));
  assert.ok(claims.isBelieved("v", NOW + MINUTE_MS, 0.5));
  assert.not.ok(claims.isBelieved("v", NOW + MINUTE_MS, 0.5), "it was spent");
  rates.set("v", 0);
  assert.not.ok(claims.isBelieved("v", NOW + 2 * MINUTE_MS));
});

test("without a measurement, over a hole in it and for a NaN nothing is believed", () => {
  const blind = new CheckpointClaims(undefined);
  assert.not.ok(blind.isBelieved("v", NOW));
  assert.not.ok(blind.isBelieved("v", NOW + MINUTE_MS));
  const hole = new CheckpointClaims(loadOf(new Map([["v", 100]])));
  hole.isBelieved("v", NOW);
  assert.not.ok(hole.isBelieved("v", NOW + 60 * MINUTE_MS));
  const unknown = new CheckpointClaims(loadOf(new Map()));
  unknown.isBelieved("v", NOW);
  assert.not.ok(unknown.isBelieved("v", NOW + MINUTE_MS));
});

test("lost work: since the checkpoint, never more than the run, unknown is neutral", () => {
  const cost = (runMinutes: number, sinceMinutes?: number) => {
    const checkpoint =
      sinceMinutes === undefined ? {} : { checkpointMs: NOW - sinceMinutes * MINUTE_MS };
    const history = { launchedMs: NOW - runMinutes * MINUTE_MS, interruptionsMs: [] };
    const parts = { allocatedCores: 60, restartCores: [], keepCores: 0, outageMinutes: 0 };
    const all = {
      ...parts,
      history: { ...history, ...checkpoint },
      availability: 1,
      shortMinutes: 0,
    };
    return interruptionCost(all, NOW, DEFAULT_POLICY) - DEFAULT_POLICY.thrashCoreHours;
  };
  assert.is(cost(20), 20);
  assert.is(cost(600), 30);
  assert.is(cost(600, 5), 5);
  assert.is(cost(600, 90), 90);
  assert.is(cost(20, 90), 20, "a checkpoint of a former life");
  assert.is(cost(6000, 6000), DEFAULT_POLICY.checkpointMinutesMax);
});

test("a restart that may find no place costs its steady need for an hour more", () => {
  const history = { launchedMs: NOW, interruptionsMs: [] };
  const parts = {
    allocatedCores: 0,
    restartCores: [],
    outageMinutes: 0,
    history,
    shortMinutes: 0,
  };
  const cost = (availability: number) =>
    interruptionCost({ ...parts, keepCores: 8, availability }, NOW, DEFAULT_POLICY);
  assert.is(cost(0.75) - cost(1), 2);
});

test("the minutes in which a restart goes short cost that much of its steady need", () => {
  const history = { launchedMs: NOW, interruptionsMs: [] };
  const parts = { allocatedCores: 0, restartCores: [], outageMinutes: 0, history };
  const cost = (shortMinutes: number, sloWeight: number) => {
    const policy = { ...DEFAULT_POLICY, sloWeight };
    return interruptionCost({ ...parts, keepCores: 8, availability: 1, shortMinutes }, NOW, policy);
  };
  assert.is(cost(15, 1) - cost(0, 1), 2);
  assert.is(cost(15, 3) - cost(0, 3), 6);
  assert.is(cost(15, 0), cost(0, 0));
});

test("a believed checkpoint makes an instance cheaper, in this process and the next", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const load = loadOf(new Map([["v", 10]]));
  const cluster = new Cluster({ ledger, clock, load }).node("a", 16);
  cluster.tenant("v", "a", { size: 4 });
  const cost = (of: Cluster) => of.coordinator.consider(interruption("v")).candidates[0]?.cost ?? 0;
  const neutral = cost(cluster);
  assert.not.ok(cluster.coordinator.reportCheckpoint("v", clock.nowMs()));
  assert.is(cost(cluster), neutral);
  await cluster.after(1);
  assert.ok(cluster.coordinator.reportCheckpoint("v", clock.nowMs(), 0.5));
  const cheap = cost(cluster);
  // Four cores and the half hour that it could have lost.
  assert.is(neutral - cheap, 2);
  assert.not.ok(cluster.coordinator.reportCheckpoint("v", clock.nowMs()), "no newer one");
  await cluster.after(0);
  const next = new Cluster({ ledger, clock });
  next.allocator.restore();
  next.know("v", "a", { size: 4 });
  assert.is(cost(next), cheap);
});

test("a checkpoint of nobody, of the future, or of no size is refused by name", () => {
  const cluster = new Cluster().node("a", 16).tenant("v", "a", { size: 4 });
  const code = (call: () => unknown) => {
    try {
      call();
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
    return undefined;
  };
  const { coordinator } = cluster;
  assert.is(
    code(() => coordinator.reportCheckpoint("nobody", NOW)),
    "ERR_UNKNOWN_ID",
  );
  assert.is(
    code(() => coordinator.reportCheckpoint("v", NOW + 1)),
    "ERR_ARGUMENT",
  );
  assert.is(
    code(() => coordinator.reportCheckpoint("v", NOW, Number.NaN)),
    "ERR_ARGUMENT",
  );
});

test.run();
