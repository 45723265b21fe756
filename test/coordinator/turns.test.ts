import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LedgerChange } from "../../host/ledger/ledger.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { isRepriseError, RepriseError } from "../../host/lib/errors.js";
import { interruption, NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("turns");
const NAMES = ["v0", "v1", "v2", "v3", "v4", "v5"];

/** Counts waits for the disk, and fails when asked to. */
class CountingLedger extends MemoryLedger {
  waits = 0;
  failNext = 0;
  #inGroup = false;

  override commit(changes: readonly LedgerChange[]): void {
    if (!this.#inGroup) this.#wait();
    super.commit(changes);
  }

  override group<T>(body: () => T): T {
    return super.group(() => {
      this.#inGroup = true;
      try {
        const result = body();
        this.#wait();
        return result;
      } finally {
        this.#inGroup = false;
      }
    });
  }

  #wait(): void {
    if (this.failNext-- > 0) throw new RepriseError("ERR_LEDGER", "the disk is full");
    this.waits++;
  }
}

async function withVictims(): Promise<{ cluster: Cluster; ledger: CountingLedger }> {
  const ledger = new CountingLedger();
  const cluster = new Cluster({ ledger, policy: { groupBudget: 100 } }).node("a", 64);
  for (const name of NAMES) cluster.tenant(name, "a", { size: 4 });
  await cluster.after(0);
  return { cluster, ledger };
}

function actsIn(ledger: MemoryLedger): string[] {
  return [...ledger.entries("meta", { from: "act/" })]
    .map(([key]) => key)
    .filter((key) => key.startsWith("act/"));
}

test("a crowd of decisions costs one wait for the disk, and the next turn finishes its plans", async () => {
  const { cluster, ledger } = await withVictims();
  const { coordinator } = cluster;
  for (const name of NAMES) coordinator.submit(interruption(name, { requestId: name }));
  ledger.waits = 0;
  const decisions = await coordinator.decideDue();
  assert.equal([decisions.length, ledger.waits, coordinator.hasThrough], [6, 1, true]);
  const planIds = decisions.map(({ planId }) => planId ?? "");
  assert.ok(planIds.every((id) => ledger.get("plan", id)?.state === "committed"));
  assert.equal(await coordinator.decideDue(), []);
  assert.equal([ledger.waits, coordinator.hasThrough], [2, false]);
  assert.ok(planIds.every((id) => ledger.get("plan", id)?.state === "done"));
});

test("restarts of one moment share a wait for the disk; each gets its own grant", async () => {
  const { cluster, ledger } = await withVictims();
  const { coordinator } = cluster;
  for (const name of NAMES) coordinator.submit(interruption(name, { requestId: name }));
  await cluster.after(0);
  cluster.clock.advanceTo(NOW + 60_000);
  ledger.waits = 0;
  const back = NAMES.map((name) => coordinator.restarted(name, NOW + 60_000));
  const nobody = await coordinator.restarted("nobody", NOW + 60_000).catch((error) => error);
  const grants = await Promise.all(back);
  assert.equal(
    grants.map(({ instanceId }) => instanceId),
    NAMES,
  );
  assert.is(nobody.code, "ERR_UNKNOWN_ID");
  assert.is(ledger.waits, 1);
  assert.is(actsIn(ledger).length, 6);
  await cluster.after(0);
  assert.equal(actsIn(ledger), []);
  assert.is(cluster.acts().filter(({ kind }) => kind === "grant").length, 6);
});

test("a disk that is full grants nobody, changes nothing, and they may ask again", async () => {
  const { cluster, ledger } = await withVictims();
  const { coordinator } = cluster;
  for (const name of NAMES) coordinator.submit(interruption(name, { requestId: name }));
  await cluster.after(0);
  ledger.failNext = 1;
  const back = NAMES.map((name) => coordinator.restarted(name, NOW));
  const failures = await Promise.all(back.map((each) => each.catch((error: unknown) => error)));
  assert.ok(failures.every((error) => isRepriseError(error) && error.code === "ERR_LEDGER"));
  ledger.failNext = 0;
  assert.ok(NAMES.every((id) => ledger.get("incarnation", id)?.incarnation === 1));
  const grants = await Promise.all(NAMES.map((name) => coordinator.restarted(name, NOW)));
  assert.ok(grants.every(({ shortfall }) => shortfall.every((lack) => lack <= 0)));
  assert.ok(NAMES.every((id) => ledger.get("incarnation", id)?.incarnation === 2));
});

test("a restart finishes its plan with its grant", async () => {
  const { cluster, ledger } = await withVictims();
  cluster.coordinator.submit(interruption("v0"));
  const [decision] = await cluster.coordinator.decideDue();
  ledger.waits = 0;
  await cluster.coordinator.restarted("v0", NOW);
  assert.is(ledger.waits, 1);
  assert.is(ledger.get("plan", decision?.planId ?? "")?.state, "done");
});

test("after a crash nobody who is back is interrupted a second time", async () => {
  const { cluster, ledger } = await withVictims();
  cluster.coordinator.submit(interruption("v0"));
  const [decision] = await cluster.coordinator.decideDue();
  // The grant is durable, the plan's end is not.
  const lease = cluster.allocator.reservationOfOwner("v0");
  const { reservationId = "", fencingToken = 0 } = lease ?? {};
  cluster.allocator.claim(reservationId, { fencingToken, instanceId: "v0" });
  const next = new Cluster({ ledger, policy: { groupBudget: 100 } });
  next.allocator.restore();
  for (const name of NAMES) next.know(name, "a", { size: 4 });
  await next.coordinator.recover();
  const report = await next.after(0);
  assert.equal(report.decisions, []);
  assert.equal(next.acts(), []);
  assert.is(ledger.get("plan", decision?.planId ?? "")?.state, "done");
  assert.is((await next.after(1)).pendingRequestCount, 0);
});

test("of a crowd that was deferred a turn tries some again, a new request is never behind them", async () => {
  const cluster = new Cluster({ policy: { groupBudget: 200, retryMsMin: 1_000 } }).node("a", 64);
  const { coordinator } = cluster;
  // None of them has a place for its restart, so all are deferred.
  const crowd = Array.from({ length: 90 }, (_, index) => `u${index}`);
  for (const name of crowd) cluster.tenant(name, "a", { size: 0.25, need: 200 });
  cluster.tenant("v", "a", { size: 4 });
  await cluster.after(0);
  for (const name of crowd) coordinator.submit(interruption(name, { requestId: name }));
  assert.is((await coordinator.decideDue()).length, 90, "the first time all at once");
  cluster.clock.advanceTo(cluster.clock.nowMs() + 3_600_000);
  coordinator.submit(interruption("v", { requestId: "v" }));
  const beside = await coordinator.decideDue();
  assert.is(beside.length, 9);
  assert.ok(beside.some(({ requestId }) => requestId === "v"));
  const tried = new Set(beside.map(({ requestId }) => requestId));
  for (const expected of [64, 18, 0]) {
    const { decisions } = await coordinator.tick();
    assert.is(decisions.length, expected);
    for (const { requestId } of decisions) tried.add(requestId);
  }
  assert.is(tried.size, 91, "nobody is left out");
});

test("whose deadline is near is decided in any case, however many are tried again", async () => {
  const cluster = new Cluster({ policy: { groupBudget: 200, retryMsMin: 1_000 } });
  const { coordinator } = cluster;
  const nodes = Array.from({ length: 90 }, (_, index) => `n${index}`);
  for (const name of nodes) cluster.node(name, 4).tenant(`v-${name}`, name, { size: 4, need: 200 });
  await cluster.after(0);
  const deadlineMs = NOW + 600_000;
  for (const name of nodes) {
    const request = reclaim(4, [name], { requestId: name, deadlineMs, force: true });
    coordinator.submit(request);
  }
  const first = await coordinator.decideDue();
  assert.ok(first.every(({ kind }) => kind === "defer"));
  cluster.clock.advanceTo(deadlineMs - 60_000);
  const { decisions } = await coordinator.tick();
  assert.equal([decisions.length, new Set(decisions.map(({ kind }) => kind)).size], [90, 1]);
  assert.is(decisions[0]?.kind, "proceed");
});

test.run();
