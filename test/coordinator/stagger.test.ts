import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide, decisionRecord, replayDecision } from "../../host/coordinator/decision.js";
import type { RecordedInputs } from "../../host/coordinator/inputs.js";
import { HOUR_MS, MINUTE_MS } from "../../host/coordinator/policy.js";
import type { ReclaimRequest } from "../../host/coordinator/types.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import type { DecisionRecord, ReservationRecord } from "../../host/ledger/records.js";
import { inputsOf, instance, NOW, node, reclaim } from "./cases.js";
import { Cluster, type ClusterOptions } from "./cluster.js";

const test = suite("stagger");
const GRACE_MINUTES = 15;
const PHASES = [
  [0, 10],
  [10, 30],
  [30, Number.POSITIVE_INFINITY],
] as const;

interface Wave {
  /** Nodes to restart on: their cores. */
  readonly nodes: readonly number[];
  /** Cores of each victim, and of its restart in the three phases. */
  readonly victims: readonly { readonly size: number; readonly need: readonly number[] }[];
}

/** Everybody on a node that is lost as a whole; each restart needs a surge first. */
async function lost(wave: Wave, options: ClusterOptions): Promise<Cluster> {
  const cluster = new Cluster({
    reserve: "sum",
    ...options,
    policy: { groupBudget: 100, ...options.policy },
  });
  const total = wave.victims.reduce((sum, { size }) => sum + size, 0);
  cluster.node("a", total);
  wave.nodes.forEach((cores, index) => {
    cluster.node(`b${index}`, cores);
  });
  wave.victims.forEach(({ size, need }, index) => {
    const name = `v${index}`;
    cluster.tenant(name, "a", { size });
    const columns = [...need, ...need, 1, 1, 1, 1, 1, 1];
    cluster.profiles.set(name, { need: columns, keep: [size, size, 1, 1] });
  });
  await cluster.after(0);
  cluster.coordinator.submit(lossOf(total));
  await cluster.after(0);
  return cluster;
}

function lossOf(cores: number): ReclaimRequest {
  return {
    kind: "reclaim",
    requestId: "loss",
    receivedMs: NOW,
    deadlineMs: NOW + 8 * HOUR_MS,
    nodeIds: ["a"],
    amounts: [cores, cores, 0, 0],
    priorityMax: 100,
    purpose: "capacity-loss",
    outageMinutes: 10,
  };
}

function decisionOf({ ledger }: Cluster): DecisionRecord {
  const [first] = [...ledger.entries("decision")];
  assert.ok(first);
  return first?.[1] as DecisionRecord;
}

function restarts(cluster: Cluster): ReservationRecord[] {
  return [...cluster.allocator.reservations()].filter(({ nodeId }) => nodeId !== "a");
}

/** The most the lease may take at that minute, however late its restart is within the grace. */
function mostAt({ amounts, expectedRestartMs }: ReservationRecord, minute: number): number {
  const at = minute - (expectedRestartMs - NOW) / MINUTE_MS;
  return PHASES.reduce((most, [from, to], phase) => {
    const isUnderWay = at >= from && at < to + GRACE_MINUTES;
    return isUnderWay ? Math.max(most, amounts[phase] ?? 0) : most;
  }, 0);
}

const THREE: Wave = {
  nodes: [20],
  victims: [0, 1, 2].map(() => ({ size: 4, need: [8, 4, 4] })),
};

test("a wave that fits only one after another is planned so instead of being deferred", async () => {
  const deferred = await lost(THREE, { policy: { staggerMaxMinutes: 0 } });
  assert.is(decisionOf(deferred).kind, "defer");
  assert.equal(restarts(deferred), []);
  const cluster = await lost(THREE, {});
  const decision = decisionOf(cluster);
  assert.is(decision.kind, "proceed");
  // Two restart when they are due; the third once neither can be in its first phase any more.
  const startAtMs = NOW + (10 + 10 + GRACE_MINUTES) * MINUTE_MS;
  const plan = cluster.ledger.get("plan", decision.planId ?? "");
  assert.equal(plan?.starts, [{ instanceId: "v2", nodeId: "b0", startAtMs }]);
  assert.equal(
    restarts(cluster).map(({ instanceId, expectedRestartMs }) => [instanceId, expectedRestartMs]),
    [
      ["v0", NOW + 10 * MINUTE_MS],
      ["v1", NOW + 10 * MINUTE_MS],
      ["v2", startAtMs],
    ],
  );
  const told = cluster.acts().flatMap((act) => (act.kind === "interrupt" ? [act] : []));
  assert.equal(
    told.map((act) => [act.instanceId, act.startAtMs]),
    [
      ["v0", undefined],
      ["v1", undefined],
      ["v2", startAtMs],
    ],
  );
});

test("a wave that would have to wait longer than allowed is deferred", async () => {
  const cluster = await lost(THREE, { policy: { staggerMaxMinutes: 20 } });
  assert.is(decisionOf(cluster).kind, "defer");
});

test("a decision that staggers is made again from its record, to the byte", async () => {
  const decision = decisionOf(await lost(THREE, {}));
  const { aheads } = decision.inputs as RecordedInputs;
  assert.ok((aheads?.length ?? 0) > 0);
  assert.is(canonicalJson(replayDecision(decision)), canonicalJson(decision));
});

test("a decision recorded before restarts were staggered is made again without", () => {
  const victim = instance("v", "a", { size: 4 });
  const inputs = inputsOf(reclaim(4, ["a"]), [node("a", 4, 0)], [victim]);
  const { staggerMaxMinutes: _, ...policy } = inputs.policy;
  const before = { ...inputs, policy } as typeof inputs;
  const asked: string[] = [];
  const record = decisionRecord(
    decide(before, () => [], {
      ahead: (nodeId) => {
        asked.push(nodeId);
        return undefined;
      },
    }),
    { decisionId: "d" },
  );
  assert.equal([record.kind, asked], ["defer", []]);
  assert.is(canonicalJson(replayDecision(record)), canonicalJson(record));
});

test("a restart before its turn gets what is idle, and the time at which all would be there", async () => {
  const cluster = await lost(THREE, {});
  const { clock, coordinator } = cluster;
  clock.advanceTo(NOW + 10 * MINUTE_MS);
  for (const name of ["v0", "v1"]) {
    const { shortfall } = await coordinator.restarted(name, clock.nowMs());
    assert.ok(shortfall.every((lack) => lack === 0));
  }
  const { shortfall, startAtMs } = await coordinator.restarted("v2", clock.nowMs());
  assert.is(shortfall[0], 4);
  // Those before it are known to have started, so ten minutes are enough.
  assert.is(startAtMs, NOW + 20 * MINUTE_MS);
});

const waves: fc.Arbitrary<Wave> = fc.record({
  nodes: fc.array(fc.integer({ min: 4, max: 40 }), { minLength: 1, maxLength: 3 }),
  victims: fc.array(
    fc
      .tuple(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 4 }),
      )
      .map(([size, first, second]) => ({ size, need: [size + first, size + second, size] })),
    { minLength: 1, maxLength: 6 },
  ),
});

test("the start-up curves of any wave stay under what its nodes have, at every minute", async () => {
  let staggered = 0;
  await fc.assert(
    fc.asyncProperty(waves, fc.constantFrom(0, 30, 60, 120), async (wave, staggerMaxMinutes) => {
      const cluster = await lost(wave, { policy: { staggerMaxMinutes } });
      const decision = decisionOf(cluster);
      assert.is(canonicalJson(replayDecision(decision)), canonicalJson(decision));
      cluster.allocator.checkInvariants();
      const leases = restarts(cluster);
      assert.is(leases.length, decision.kind === "proceed" ? wave.victims.length : 0);
      wave.nodes.forEach((cores, index) => {
        const here = leases.filter(({ nodeId }) => nodeId === `b${index}`);
        for (let minute = 0; minute <= 240; minute++) {
          const sum = here.reduce((total, lease) => total + mostAt(lease, minute), 0);
          assert.ok(sum <= cores, `${sum} of ${cores} cores on b${index} at minute ${minute}`);
        }
      });
      const late = leases.map(({ expectedRestartMs }) => expectedRestartMs - NOW - 10 * MINUTE_MS);
      assert.ok(late.every((ms) => ms >= 0 && ms <= staggerMaxMinutes * MINUTE_MS));
      if (late.some((ms) => ms > 0)) staggered++;
    }),
    { numRuns: 150 },
  );
  assert.ok(staggered > 0, "no wave was staggered");
});

test("whoever restarts when its plan says finds all of its room, leases pooled or not", async () => {
  await fc.assert(
    fc.asyncProperty(waves, fc.constantFrom("sum", "pooled"), async (wave, reserve) => {
      const cluster = await lost(wave, { reserve, policy: { staggerMaxMinutes: 120 } });
      const { clock, coordinator } = cluster;
      const order = restarts(cluster).sort((a, b) => a.expectedRestartMs - b.expectedRestartMs);
      for (const { instanceId, expectedRestartMs } of order) {
        clock.advanceTo(Math.max(clock.nowMs(), expectedRestartMs));
        const { shortfall } = await coordinator.restarted(instanceId, clock.nowMs());
        assert.ok(
          shortfall.every((lack) => lack === 0),
          `${instanceId} lacks ${shortfall}`,
        );
      }
    }),
    { numRuns: 60 },
  );
});

test.run();
