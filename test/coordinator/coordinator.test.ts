import { suite } from "uvu";
import * as assert from "uvu/assert";
import { replayDecision } from "../../host/coordinator/decision.js";
import type { Act, Engine } from "../../host/engines/engine.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { interruption, NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator");
const MINUTE_MS = 60_000;

test("an interruption is planned, written, acted, claimed and granted", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4, need: 6 });
  cluster.coordinator.submit(interruption("v"));
  const report = await cluster.after(0);
  const [decision] = report.decisions;
  assert.is(decision?.kind, "proceed");
  assert.equal(decision?.victims, ["v"]);
  assert.is(cluster.ledger.get("plan", decision?.planId ?? "")?.state, "done");
  const lease = cluster.allocator.reservationOfOwner("v");
  assert.equal([lease?.state, lease?.nodeId, lease?.amounts[0]], ["held", "a", 6]);
  assert.is(cluster.allocator.allocationOf("v"), undefined);
  cluster.clock.advanceTo(NOW + 10 * MINUTE_MS);
  const grant = await cluster.coordinator.restarted("v", cluster.clock.nowMs());
  assert.equal([grant.nodeId, grant.amounts[0], grant.shortfall[0]], ["a", 6, 0]);
  assert.equal(
    cluster.acts().map(({ kind }) => kind),
    ["interrupt", "grant"],
  );
  const life = cluster.ledger.get("incarnation", "v");
  assert.equal([life?.incarnation, life?.launchedMs], [2, NOW + 10 * MINUTE_MS]);
  assert.equal(life?.interruptionsMs, [NOW]);
  assert.is(life?.downSinceMs, undefined);
  // An hour later the lease has become a plain allocation.
  await cluster.after(61);
  assert.equal([...cluster.allocator.reservations()], []);
  assert.is(cluster.allocator.allocationOf("v")?.amounts[0], 6);
});

test("what a reclaim frees is held for it until it is withdrawn", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8).tenant("v", "a", { size: 8 });
  cluster.coordinator.submit(reclaim(8, ["a"]));
  const report = await cluster.after(0);
  assert.is(report.decisions[0]?.kind, "proceed");
  assert.is(cluster.allocator.headroom("a")[0], 0);
  assert.is(cluster.allocator.reservationOfOwner("v")?.nodeId, "b");
  await cluster.coordinator.withdraw("q");
  assert.is(cluster.allocator.headroom("a")[0], 8);
});

test("a hold nobody withdraws ends by itself after its deadline", async () => {
  const cluster = new Cluster().node("a", 8);
  cluster.coordinator.submit(reclaim(8, ["a"]));
  await cluster.after(0);
  await cluster.after(60);
  assert.is(cluster.allocator.headroom("a")[0], 0);
  const report = await cluster.after(16);
  assert.is(report.expiredReservationCount, 1);
  assert.is(cluster.allocator.headroom("a")[0], 8);
});

test("donors shrink before the victim goes, and get it back when the lease runs out", async () => {
  const cluster = new Cluster()
    .node("a", 12)
    .tenant("v", "a", { size: 4, need: 6 })
    .tenant("d", "a", { size: 8, keep: 5 });
  cluster.coordinator.submit(interruption("v"));
  await cluster.after(0);
  assert.equal(
    cluster.acts().map(({ kind, instanceId }) => [kind, instanceId]),
    [
      ["shrink", "d"],
      ["interrupt", "v"],
    ],
  );
  assert.is(cluster.allocator.allocationOf("d")?.amounts[0], 6);
  // It is late and its room is kept, for an hour.
  assert.is((await cluster.after(26)).expiredReservationCount, 0);
  const report = await cluster.after(45);
  assert.is(report.expiredReservationCount, 1);
  const last = cluster.acts().at(-1);
  assert.equal([last?.kind, last?.instanceId], ["give-back", "d"]);
  assert.is(last?.kind === "give-back" ? last.target[0] : -1, 8);
  assert.is(cluster.allocator.allocationOf("d")?.amounts[0], 8);
});

test("a deferral is retried at its time and succeeds then", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8);
  cluster.tenant("v", "a", { size: 4 });
  cluster.tenant("w", "b", { size: 8, interruptible: false });
  // Three of four cores that the restart needs are promised to another request for 25 minutes.
  cluster.coordinator.submit({
    ...reclaim(3, ["a"], { deadlineMs: NOW + 10 * MINUTE_MS }),
    requestId: "other",
  });
  cluster.coordinator.submit(reclaim(4, ["a"], { requestId: "mine" }));
  const first = await cluster.after(0);
  const [, mine] = first.decisions;
  assert.is(mine?.kind, "defer");
  assert.is(mine?.retryAtMs, NOW + 25 * MINUTE_MS);
  assert.is((await cluster.after(24)).decisions.length, 0);
  const second = await cluster.after(1);
  assert.is(second.decisions[0]?.kind, "proceed");
  assert.is(second.pendingRequestCount, 0);
});

test("priorities: nothing above the class that suffices, and nothing above the request's", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8);
  cluster.tenant("low", "a", { size: 4, priority: 1 });
  cluster.tenant("high", "a", { size: 4, priority: 5 });
  cluster.coordinator.submit(reclaim(6, ["a"], { priorityMax: 4 }));
  const [refused] = (await cluster.after(0)).decisions;
  assert.equal([refused?.kind, refused?.reasons[0]?.code], ["refuse", "PRIORITY_TOO_HIGH"]);
  cluster.coordinator.submit(reclaim(4, ["a"]));
  const [decision] = (await cluster.after(1)).decisions;
  assert.equal(decision?.victims, ["low"]);
  assert.is(decision?.runnerUp, "high");
});

test("a decision says what it looked at, and is made again from that to the same bytes", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8).tenant("v", "a", { size: 8 });
  cluster.coordinator.submit(reclaim(4, ["a"]));
  const [decision] = (await cluster.after(0)).decisions;
  const stored = cluster.coordinator.explain(decision?.decisionId ?? "");
  assert.equal(stored, decision);
  assert.is(canonicalJson(replayDecision(stored)), canonicalJson(stored));
  const [candidate] = stored.candidates;
  assert.ok(candidate !== undefined && candidate.cost > 0 && candidate.gain > 0);
  const inputs = stored.inputs as { nodes: { room: number[] }[] };
  const tampered = { ...stored, inputs: { ...inputs, nodes: [] } };
  assert.is.not(canonicalJson(replayDecision(tampered)), canonicalJson(stored));
});

test("a group's budget counts who is down, also when it is late and the process is another", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const policy = { groupBudget: 1 };
  const first = new Cluster({ ledger, clock, policy }).node("a", 16);
  first.tenant("v", "a", { size: 4 }).tenant("w", "a", { size: 4 });
  first.coordinator.submit(interruption("v", { requestId: "q1" }));
  first.coordinator.submit(interruption("w", { requestId: "q2" }));
  const [proceed, defer] = (await first.after(0)).decisions;
  assert.equal([proceed?.kind, defer?.kind], ["proceed", "defer"]);
  assert.is(defer?.reasons[0]?.code, "GROUP_BUDGET");
  // The restart is late: its lease has run out, and another process looks after it.
  await first.after(71);
  assert.is(first.allocator.reservationOfOwner("v"), undefined);
  const next = new Cluster({ ledger, clock, policy });
  next.allocator.restore();
  next.know("v", "a", { size: 4 }).know("w", "a", { size: 4 });
  await next.coordinator.recover();
  const [still] = (await next.after(15)).decisions;
  assert.equal([still?.kind, still?.reasons[0]?.code], ["defer", "GROUP_BUDGET"]);
  await next.coordinator.restarted("v", clock.nowMs());
  const [now] = (await next.after(15)).decisions;
  assert.equal([now?.kind, now?.victims], ["proceed", ["w"]]);
});

test("lives are written on the next tick, taken up by the next process, and forgotten", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const first = new Cluster({ ledger, clock }).node("a", 16);
  first.tenant("v", "a", { size: 4 }).tenant("w", "a", { size: 4 });
  await first.after(1);
  assert.is(ledger.get("incarnation", "v")?.launchedMs, NOW - 180 * MINUTE_MS);
  const next = new Cluster({ ledger, clock });
  next.allocator.restore();
  clock.advanceTo(NOW + 30 * MINUTE_MS);
  next.know("v", "a", { size: 4 });
  next.coordinator.unregister("w");
  next.coordinator.submit(interruption("v"));
  const [decision] = (await next.after(0)).decisions;
  const inputs = decision?.inputs as { instances: { launchedMs: number }[] };
  assert.is(inputs.instances[0]?.launchedMs, NOW - 180 * MINUTE_MS);
  assert.is(ledger.get("incarnation", "w"), undefined);
  assert.is(ledger.get("meta", "modelVersion"), "test@0");
});

test("a deferred request survives its process", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const before = new Cluster({ ledger, clock }).node("a", 4).node("b", 2);
  before.tenant("v", "a", { size: 4 });
  before.coordinator.submit(reclaim(4, ["a"]));
  assert.is((await before.after(0)).decisions[0]?.kind, "defer");
  const next = new Cluster({ ledger, clock });
  next.allocator.restore();
  next.know("v", "a", { size: 4 });
  await next.coordinator.recover();
  assert.throws(() => next.coordinator.submit(reclaim(4, ["a"])), /ERR_|pending/);
  next.allocator.resizeNode("b", [8, 8, 100, 100]);
  const report = await next.after(20);
  assert.equal([report.decisions[0]?.kind, report.pendingRequestCount], ["proceed", 0]);
  assert.is(report.decisions[0]?.decisionId, "d-000000000002");
});

test("an instance that failed by itself is granted what there is when it is back", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4, need: 6 });
  cluster.tenant("w", "a", { size: 4 });
  await cluster.coordinator.stopped("v", NOW);
  assert.is(cluster.allocator.headroom("a")[0], 4);
  const grant = await cluster.coordinator.restarted("v", NOW);
  assert.equal([grant.nodeId, grant.amounts[0], grant.shortfall[0]], ["a", 4, 2]);
  cluster.allocator.checkInvariants();
});

test("a grant waits for no tick, and an engine that is away gets it later", async () => {
  let away = true;
  const got: Act[] = [];
  const engine: Engine = {
    name: "sometimes",
    act: async (acts) => {
      if (away) throw new Error("away");
      got.push(...acts);
      return acts.map(({ actId }) => ({ actId, status: "confirmed" as const }));
    },
    close: () => Promise.resolve(),
  };
  const cluster = new Cluster({ engine }).node("a", 8).tenant("v", "a", { size: 4 });
  await cluster.coordinator.stopped("v", NOW);
  const grant = await cluster.coordinator.restarted("v", NOW);
  assert.is(grant.amounts[0], 4);
  assert.equal(got, []);
  assert.is(cluster.ledger.count("meta") > 0, true);
  away = false;
  const report = await cluster.after(1);
  assert.equal(
    got.map(({ kind }) => kind),
    ["grant"],
  );
  assert.is(report.openActCount, 0);
  const open = [...cluster.ledger.entries("meta", { from: "act/" })];
  assert.not(open.some(([key]) => key.startsWith("act/")));
});

test("bad calls are refused by name and change nothing", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  const { coordinator } = cluster;
  const bad = [
    [{ ...interruption("v"), requestId: "" }, "requestId"],
    [interruption("v", { outageMinutes: -1 }), "outageMinutes"],
    [interruption("v", { outageMinutes: Number.NaN }), "outageMinutes"],
    [interruption("v", { force: true }), "deadlineMs"],
    [interruption("v", { deadlineMs: Number.NaN }), "deadlineMs"],
    [{ ...interruption("v"), receivedMs: -1 }, "receivedMs"],
    [reclaim(1, []), "nodeIds"],
    [reclaim(1, ["a", "a"]), "nodeIds"],
    [reclaim(-1, ["a"]), "amounts"],
    [reclaim(Number.POSITIVE_INFINITY, ["a"]), "amounts"],
    [reclaim(1, ["a"], { amounts: [1] }), "amounts"],
    [reclaim(1, ["a"], { priorityMax: Number.NaN }), "priorityMax"],
  ] as const;
  for (const [request, field] of bad) {
    assert.throws(
      () => coordinator.submit(request),
      (error: unknown) =>
        isRepriseError(error) && error.code === "ERR_ARGUMENT" && error.context.field === field,
      field,
    );
  }
  coordinator.submit(interruption("v"));
  assert.throws(
    () => coordinator.submit(interruption("v")),
    (error: unknown) => isRepriseError(error) && error.code === "ERR_DUPLICATE_ID",
  );
  for (const call of [
    () => coordinator.restarted("nobody", NOW),
    () => coordinator.stopped("nobody", NOW),
    async () => coordinator.explain("d-1"),
  ]) {
    let code = "";
    await call().catch((error: unknown) => {
      code = isRepriseError(error) ? error.code : String(error);
    });
    assert.is(code, "ERR_UNKNOWN_ID");
  }
  await coordinator.close();
  assert.throws(
    () => coordinator.submit(interruption("v")),
    (error: unknown) => isRepriseError(error) && error.code === "ERR_SHUTTING_DOWN",
  );
});

test.run();
