import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Act, ActOutcome, Engine } from "../../host/engines/engine.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { FailingLedger } from "../allocator/fakes.js";
import { interruption, NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

/** An engine that refuses, a disk that is full, a process that dies. */
const test = suite("setbacks");
const MINUTE_MS = 60_000;

class RefusingEngine implements Engine {
  readonly name = "refusing";
  readonly refuses: (act: Act) => boolean;
  constructor(refuses: (act: Act) => boolean) {
    this.refuses = refuses;
  }
  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    return acts.map((act) =>
      this.refuses(act)
        ? { actId: act.actId, status: "refused", reason: "no" }
        : {
            actId: act.actId,
            status: "confirmed",
            ...(act.kind === "shrink" && { held: act.target }),
          },
    );
  }
  async close(): Promise<void> {}
}

test("a refused interruption is undone whole, and asked for again", async () => {
  let refuses = true;
  const engine = new RefusingEngine(({ kind }) => refuses && kind === "interrupt");
  const cluster = new Cluster({ engine }).node("a", 8).node("b", 8);
  cluster.tenant("v", "a", { size: 8 });
  cluster.coordinator.submit(reclaim(8, ["a"]));
  const report = await cluster.after(0);
  const planId = report.decisions[0]?.planId ?? "";
  assert.is(cluster.ledger.get("plan", planId)?.state, "rolled-back");
  assert.is(cluster.allocator.allocationOf("v")?.amounts[0], 8);
  assert.equal([...cluster.allocator.reservations()], []);
  assert.is(report.pendingRequestCount, 1);
  refuses = false;
  const again = await cluster.after(1);
  assert.is(again.decisions[0]?.kind, "proceed");
  assert.is(again.pendingRequestCount, 0);
});

test("a refused shrink ends the plan before anybody is interrupted", async () => {
  const sent: string[] = [];
  const engine = new RefusingEngine(({ kind }) => {
    sent.push(kind);
    return kind === "shrink";
  });
  const cluster = new Cluster({ engine }).node("a", 12);
  cluster.tenant("v", "a", { size: 4, need: 6 }).tenant("d", "a", { size: 8, keep: 5 });
  cluster.coordinator.submit(interruption("v"));
  await cluster.after(0);
  assert.equal(sent, ["shrink", "give-back"]);
  assert.is(cluster.allocator.allocationOf("d")?.amounts[0], 8);
  assert.is(cluster.allocator.allocationOf("v")?.amounts[0], 4);
});

test("when half of a plan is refused, who is down keeps a reservation", async () => {
  const engine = new RefusingEngine(
    ({ kind, instanceId }) => kind === "interrupt" && instanceId === "w",
  );
  const cluster = new Cluster({ engine }).node("a", 8).node("b", 4).node("c", 4);
  cluster.tenant("v", "a", { size: 4 }).tenant("w", "a", { size: 4 });
  cluster.coordinator.submit(reclaim(8, ["a"]));
  const [decision] = (await cluster.after(0)).decisions;
  assert.equal([...(decision?.victims ?? [])].sort(), ["v", "w"]);
  assert.is(cluster.ledger.get("plan", decision?.planId ?? "")?.state, "done");
  assert.is(cluster.allocator.allocationOf("w")?.nodeId, "a");
  assert.is(cluster.allocator.reservationOfOwner("v")?.state, "held");
  assert.is(cluster.allocator.reservationOfOwner("w"), undefined);
  cluster.allocator.checkInvariants();
});

test("a commit that fails changes nothing, and the next tick decides again", async () => {
  const ledger = new FailingLedger();
  const cluster = new Cluster({ ledger }).node("a", 8).tenant("v", "a", { size: 4 });
  cluster.coordinator.submit(interruption("v"));
  ledger.failNext = 1;
  let code = "";
  await cluster.after(0).catch((error: unknown) => {
    code = isRepriseError(error) ? error.code : "";
  });
  assert.is(code, "ERR_LEDGER");
  assert.is(cluster.allocator.allocationOf("v")?.amounts[0], 4);
  assert.equal(cluster.acts(), []);
  assert.is((await cluster.after(1)).decisions[0]?.kind, "proceed");
});

test("a process that died after the commit and before the act is completed by the next", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const deaf: Engine = {
    name: "deaf",
    act: () => Promise.reject(new Error("killed")),
    close: () => Promise.resolve(),
  };
  const before = new Cluster({ ledger, clock, engine: deaf }).node("a", 8).node("b", 8);
  before.tenant("v", "a", { size: 4 });
  before.coordinator.submit(interruption("v"));
  const report = await before.after(0);
  assert.equal(report.engineFailures, ["killed"]);
  assert.is(report.openActCount, 1);

  const next = new Cluster({ ledger, clock });
  next.allocator.restore();
  next.know("v", "a", { size: 4 });
  await next.coordinator.recover();
  await next.after(1);
  assert.equal(
    next.acts().map(({ actId }) => actId),
    ["p-000000000001/interrupt/v"],
  );
  assert.is(next.ledger.get("plan", "p-000000000001")?.state, "done");
  const grant = await next.coordinator.restarted("v", clock.nowMs());
  assert.is(grant.amounts[0], 4);
});

test("an open plan whose leases have run out meanwhile is rolled back, not acted", async () => {
  const ledger = new MemoryLedger();
  const clock = new VirtualClock(NOW);
  const deaf: Engine = {
    name: "deaf",
    act: () => Promise.reject(new Error("killed")),
    close: () => Promise.resolve(),
  };
  const before = new Cluster({ ledger, clock, engine: deaf }).node("a", 8);
  before.tenant("v", "a", { size: 4 });
  before.coordinator.submit(interruption("v", { deadlineMs: NOW + 5 * MINUTE_MS }));
  await before.after(0);
  clock.advanceTo(NOW + 60 * MINUTE_MS);
  const next = new Cluster({ ledger, clock });
  next.allocator.restore();
  next.allocator.expire();
  next.know("v", "a", { size: 4 });
  await next.coordinator.recover();
  await next.after(1);
  assert.equal(next.acts(), []);
  assert.is(next.ledger.get("plan", "p-000000000001")?.state, "rolled-back");
  assert.is(next.allocator.allocationOf("v")?.amounts[0], 4);
});

test.run();
