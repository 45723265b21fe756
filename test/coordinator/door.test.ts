/** What comes in by the door: one bad caller must not stop the ticks of the others. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import { replayDecision } from "../../host/coordinator/decision.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { interruption, NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator door");

const isTyped = (error: unknown) =>
  isRepriseError(error) && ["ERR_ARGUMENT", "ERR_LIMIT", "ERR_CONFIG"].includes(error.code);

const BAD_REQUESTS: readonly (readonly [string, unknown])[] = [
  ["nothing", undefined],
  ["null", null],
  ["no fields", {}],
  ["another kind", { ...interruption("v"), kind: "x" }],
  ["no instance id", { kind: "interrupt", requestId: "q", receivedMs: NOW }],
  ["an empty instance id", interruption("")],
  ["an instance id that is none", { ...interruption("v"), instanceId: {} }],
  ["an instance id with a NUL", interruption("v\0")],
  ["a request id with a NUL", interruption("v", { requestId: "q\0" })],
  ["a lone surrogate", interruption("v", { requestId: "\ud800" })],
  ["an outage as text", { ...interruption("v"), outageMinutes: "5" }],
  ["force as text", { ...interruption("v"), force: "yes" }],
  ["a huge amount", reclaim(1, ["a"], { amounts: [1e306, 0, 0, 0] })],
  ["amounts that are none", { ...reclaim(1, ["a"]), amounts: { cpu: 1 } }],
  ["amounts with a hole", { ...reclaim(1, ["a"]), amounts: new Array(4) }],
  ["no amounts", { ...reclaim(1, ["a"]), amounts: undefined }],
  ["no end of priority", reclaim(1, ["a"], { priorityMax: Number.POSITIVE_INFINITY })],
  ["nodes as text", { ...reclaim(1, ["a"]), nodeIds: "n1" }],
  ["nodes that are none", { ...reclaim(1, ["a"]), nodeIds: [{}] }],
  ["no nodes", { ...reclaim(1, ["a"]), nodeIds: undefined }],
  ["no purpose", { ...reclaim(1, ["a"]), purpose: undefined }],
  ["no deadline", { ...reclaim(1, ["a"]), deadlineMs: undefined }],
];

for (const [name, request] of BAD_REQUESTS) {
  test(`a request with ${name} is refused at the door, and the next one is decided`, async () => {
    const { coordinator } = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
    assert.throws(() => coordinator.submit(request as never), isTyped);
    coordinator.submit(interruption("v"));
    const report = await coordinator.tick();
    assert.equal([report.decisions.length, report.pendingRequestCount], [1, 0]);
  });
}

test("fields that no request has are left outside", async () => {
  const { coordinator, ledger } = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  const odd = { ...interruption("v"), extra: Number.NaN, more: () => 1 };
  coordinator.submit(odd);
  const [decision] = (await coordinator.tick()).decisions;
  assert.is(decision?.kind, "proceed");
  assert.equal(ledger.get("decision", decision?.decisionId ?? ""), decision);
});

const WHO = { instanceId: "x", groupId: "g", nodeId: "a", priority: 0, interruptible: true };
const BAD_REGISTRATIONS: readonly (readonly [string, unknown, unknown?])[] = [
  ["nothing", undefined],
  ["no fields", {}],
  ["a priority that is no number", { ...WHO, priority: Number.NaN }],
  ["an owner that is no name", { ...WHO, ownerId: 7 }],
  ["a NUL in its id", { ...WHO, instanceId: "x\0" }],
  ["limits as a list", { ...WHO, limits: [4, 16, 1, 1] }],
  ["a limit of nothing known", { ...WHO, limits: { cpus: 4 } }],
  ["a launch at no time", WHO, Number.NaN],
];

for (const [name, registration, launchedMs] of BAD_REGISTRATIONS) {
  test(`a registration with ${name} is refused and changes nothing`, async () => {
    const { coordinator, ledger } = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
    assert.throws(() => coordinator.register(registration as never, launchedMs as never), isTyped);
    coordinator.submit(interruption("v"));
    assert.is((await coordinator.tick()).decisions.length, 1);
    assert.is(ledger.count("incarnation"), 1);
  });
}

for (const [name, priorityOf] of [
  ["throws", () => assert.unreachable() as never],
  ["answers NaN", () => Number.NaN],
] as const) {
  test(`a priority provider that ${name} defers the requests it concerns, no others`, async () => {
    const cluster = new Cluster().node("a", 8).node("b", 8);
    cluster.tenant("v", "a", { size: 4 }).tenant("w", "b", { size: 4 });
    const good = cluster.priorities.priorityOf.bind(cluster.priorities);
    cluster.priorities.priorityOf = (id) => (id === "v" ? priorityOf() : good(id));
    cluster.coordinator.submit(interruption("v", { requestId: "bad" }));
    cluster.coordinator.submit(interruption("w", { requestId: "good" }));
    const { decisions } = await cluster.after(0);
    const kinds = decisions.map(({ requestId, kind }) => [requestId, kind]).sort();
    assert.equal(kinds, [
      ["bad", "defer"],
      ["good", "proceed"],
    ]);
    const deferred = decisions.find(({ requestId }) => requestId === "bad");
    assert.is(deferred?.reasons[0]?.code, "INPUTS_FAILED");
    if (deferred !== undefined) {
      assert.is(canonicalJson(replayDecision(deferred)), canonicalJson(deferred));
    }
    // It is decided as soon as the provider answers again.
    cluster.priorities.priorityOf = good;
    assert.is((await cluster.after(30)).decisions[0]?.kind, "proceed");
  });
}

test("a restart at no time is refused, and the instance can still come back", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  for (const call of ["restarted", "stopped"] as const) {
    const failure = await cluster.coordinator[call]("v", Number.NaN).catch((error) => error);
    assert.ok(isTyped(failure), call);
  }
  assert.is((await cluster.coordinator.restarted("v", NOW)).nodeId, "a");
});

test("an id that is no name is refused by every call, and the next tick goes on", async () => {
  const { coordinator } = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  for (const id of [undefined, "", {}, "x\0"] as never[]) {
    assert.throws(() => coordinator.unregister(id), isTyped);
    assert.throws(() => coordinator.explain(id), isTyped);
    const failure = await coordinator.withdraw(id).catch((error) => error);
    assert.ok(isTyped(failure));
  }
  coordinator.submit(interruption("v"));
  assert.is((await coordinator.tick()).decisions.length, 1);
});

test("a withdrawal ends the holds of its own request, not those of a longer id", async () => {
  const cluster = new Cluster().node("a", 8);
  cluster.coordinator.submit(reclaim(3, ["a"], { requestId: "q" }));
  cluster.coordinator.submit(reclaim(3, ["a"], { requestId: "q/1" }));
  await cluster.after(0);
  assert.is(cluster.allocator.headroom("a")[0], 2);
  await cluster.coordinator.withdraw("q");
  assert.is(cluster.allocator.headroom("a")[0], 5);
});

test("a policy that is no number, or unknown, is refused when the coordinator is made", () => {
  for (const policy of [{ graceMs: Number.NaN }, { tickMs: 5 }, { groupBudget: -1 }]) {
    assert.throws(() => new Cluster({ policy: policy as never }), isTyped);
  }
  assert.throws(() => new Coordinator(undefined as never), isTyped);
  assert.throws(() => new Coordinator({} as never), /allocator/);
});

test.run();
