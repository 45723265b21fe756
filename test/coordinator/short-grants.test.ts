import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MINUTE_MS } from "../../host/coordinator/policy.js";
import type { Act } from "../../host/engines/engine.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { interruption, NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("short grants");

function cpuOfGrants(acts: readonly Act[]): number[][] {
  return acts.flatMap((act) => (act.kind === "grant" ? [act.amounts.slice(0, 3)] : []));
}

/** v needs 4 and is back while w holds 6 of 8. */
async function shortOf(cluster: Cluster) {
  cluster.node("a", 8).know("v", "a", { size: 4 });
  cluster.tenant("w", "a", { size: 6 });
  return cluster.coordinator.restarted("v", NOW);
}

test("a short grant is filled up when room comes free, and the engine is told", async () => {
  const cluster = new Cluster();
  const grant = await shortOf(cluster);
  assert.equal(grant.amounts.slice(0, 3), [2, 2, 2]);
  assert.equal(grant.shortfall.slice(0, 3), [2, 2, 2]);
  await cluster.after(1);
  assert.equal(cpuOfGrants(cluster.acts()), [[2, 2, 2]]);
  cluster.allocator.release("w");
  await cluster.after(1);
  await cluster.after(1);
  assert.equal(cpuOfGrants(cluster.acts()), [
    [2, 2, 2],
    [4, 4, 4],
  ]);
  assert.is(cluster.allocator.reservationOfOwner("v")?.wanted, undefined);
});

test("the next process fills up what the former one granted short", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const before = new Cluster({ ledger, clock });
  await shortOf(before);
  const next = new Cluster({ ledger, clock });
  next.allocator.restore();
  next.know("v", "a", { size: 4 }).know("w", "a", { size: 6 });
  await next.coordinator.recover();
  next.allocator.release("w");
  await next.after(1);
  assert.equal(cpuOfGrants(next.acts()), [[4, 4, 4]]);
});

test("a short grant says when all of it would be there", async () => {
  const cluster = new Cluster().node("a", 8);
  cluster.know("x", "a", { size: 6 }).know("v", "a", { size: 4 });
  const lease = cluster.allocator.reserve({
    instanceId: "x",
    ownerId: "x",
    groupId: "g",
    nodeId: "a",
    // Six cores for ten minutes, two from then on.
    amounts: [6, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    expectedRestartMs: NOW,
  });
  const { reservationId, fencingToken } = lease;
  cluster.allocator.claim(reservationId, { fencingToken, instanceId: "x" });
  const grant = await cluster.coordinator.restarted("v", NOW);
  assert.equal(grant.shortfall.slice(0, 3), [2, 0, 0]);
  assert.is(grant.startAtMs, NOW + 10 * MINUTE_MS);
  cluster.clock.advanceTo(NOW + 10 * MINUTE_MS);
  const again = await cluster.coordinator.restarted("v", NOW + 10 * MINUTE_MS);
  assert.equal(again.amounts.slice(0, 3), [4, 4, 4]);
  assert.is(again.startAtMs, undefined);
});

test("who was interrupted by force gets what is idle by the time it is back", async () => {
  const cluster = new Cluster().node("a", 8);
  cluster.tenant("v", "a", { size: 4 }).tenant("w", "a", { size: 4, interruptible: false });
  const deadlineMs = NOW + MINUTE_MS;
  cluster.coordinator.submit(reclaim(4, ["a"], { deadlineMs, force: true }));
  const [decision] = (await cluster.after(0)).decisions;
  assert.equal([decision?.kind, decision?.victims], ["proceed", ["v"]]);
  assert.is(cluster.allocator.reservationOfOwner("v")?.amounts[0], 0);
  cluster.allocator.release("w");
  const grant = await cluster.coordinator.restarted("v", NOW);
  assert.equal(grant.amounts.slice(0, 3), [4, 4, 4]);
  assert.equal(grant.shortfall.slice(0, 3), [0, 0, 0]);
});

test("a restart that is late keeps its room for an hour, whoever asks", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 6 });
  cluster.coordinator.submit(interruption("v"));
  await cluster.after(0);
  for (let minutes = 0; minutes < 65; minutes += 5) await cluster.after(5);
  assert.is(cluster.allocator.reservationOfOwner("v")?.state, "held");
  await cluster.after(20);
  assert.is(cluster.allocator.reservationOfOwner("v"), undefined);
});

test.run();
