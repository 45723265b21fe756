import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decide } from "../../host/coordinator/decision.js";
import { fairnessFactor, jainIndex, lossesOf } from "../../host/coordinator/losses.js";
import { DEFAULT_POLICY, HOUR_MS } from "../../host/coordinator/policy.js";
import type { Engine } from "../../host/engines/engine.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { inputsOf, instance, interruption, NOW, node, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("losses");
const policy = { ...DEFAULT_POLICY, fairnessWeight: 0.5 };

function losses(groupId: string, ...coreHours: readonly number[]) {
  const entry = (each: number) => ({ instanceId: "x", timeMs: NOW - HOUR_MS, coreHours: each });
  return { groupId, losses: coreHours.map(entry) };
}

test("who lost more than a fair share becomes dearer, and nobody cheaper", () => {
  const instances = [
    instance("a", "n", { groupId: "a" }),
    instance("b", "n", { groupId: "b" }),
    instance("c", "n", { groupId: "c" }),
  ];
  const groupLosses = [losses("a", 4, 2)];
  const inputs = inputsOf(reclaim(1, ["n"]), [node("n", 8, 0)], instances, { groupLosses, policy });
  // Six core-hours of three groups: a fair share is two.
  assert.is(fairnessFactor(inputs, "a"), 1 + 0.5 * 2);
  assert.is(fairnessFactor(inputs, "b"), 1);
  const later = { ...inputs, nowMs: NOW + 24 * HOUR_MS };
  assert.is(fairnessFactor(later, "a"), 1);
});

test("of two that cost the same the one goes whose group lost less", () => {
  const instances = [
    instance("a", "n", { groupId: "a", size: 4 }),
    instance("b", "n", { groupId: "b", size: 4 }),
  ];
  const victimsWith = (group: string) => {
    const groupLosses = [losses(group, 3)];
    const nodes = [node("n", 8, 0), node("other", 8, 8)];
    const inputs = inputsOf(reclaim(3, ["n"]), nodes, instances, { groupLosses, policy });
    return decide(inputs, () => []).proposal.placements.map(({ candidate }) => candidate.input);
  };
  assert.equal(
    victimsWith("a").map(({ instanceId }) => instanceId),
    ["b"],
  );
  assert.equal(
    victimsWith("b").map(({ instanceId }) => instanceId),
    ["a"],
  );
});

test("Jain's index lies between 1 / n and 1, and is 1 for equal losses", () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(amounts, (values) => {
      const ledger = new MemoryLedger();
      const write = (all: readonly number[]) =>
        ledger.commit(
          all.map((coreHours, group) => ({
            table: "meta",
            key: `losses/g${group}`,
            put: JSON.stringify([{ instanceId: "i", timeMs: NOW, coreHours }]),
          })),
        );
      write(values);
      const index = jainIndex(ledger, NOW) ?? Number.NaN;
      assert.ok(index >= 1 / values.length - 1e-12 && index <= 1 + 1e-12, `${index}`);
      write(values.map(() => 7));
      assert.ok(Math.abs((jainIndex(ledger, NOW) ?? 0) - 1) < 1e-12);
    }),
  );
  assert.is(jainIndex(new MemoryLedger(), NOW), undefined);
});

test("a group's budget for an hour holds after its members are back, and comes free again", async () => {
  const hourly = { groupBudgetPerHour: 1, coolDownMinutes: 0, minRunMinutes: 0 };
  const cluster = new Cluster({ policy: hourly }).node("a", 16);
  cluster.tenant("v", "a", { size: 4 }).tenant("w", "a", { size: 4 });
  cluster.coordinator.submit(interruption("v", { requestId: "q1" }));
  const first = await cluster.after(0);
  assert.is(first.decisions[0]?.kind, "proceed");
  assert.is(first.jainIndex, 1);
  await cluster.after(10);
  await cluster.coordinator.restarted("v", cluster.clock.nowMs());
  cluster.coordinator.submit(interruption("w", { requestId: "q2" }));
  const [second] = (await cluster.after(1)).decisions;
  assert.equal([second?.kind, second?.reasons[0]?.code], ["defer", "GROUP_BUDGET"]);
  assert.is(second?.forecastMs, NOW + HOUR_MS);
  const [third] = (await cluster.after(50)).decisions;
  assert.equal([third?.kind, third?.victims], ["proceed", ["w"]]);
});

test("what the engine refused is no loss", async () => {
  const refusing: Engine = {
    name: "refusing",
    act: (acts) =>
      Promise.resolve(
        acts.map(({ actId }) => ({ actId, status: "refused", reason: "no" }) as const),
      ),
    close: () => Promise.resolve(),
  };
  const cluster = new Cluster({ engine: refusing }).node("a", 16).tenant("v", "a", { size: 4 });
  cluster.coordinator.submit(interruption("v"));
  await cluster.after(0);
  assert.equal(lossesOf(cluster.ledger, ["g"]), []);
});

test("the record keeps the core-hours beside the cost that fairness made of them", async () => {
  const cluster = new Cluster().node("a", 16).tenant("v", "a", { size: 4 });
  cluster.coordinator.submit(interruption("v"));
  const [decision] = (await cluster.after(0)).decisions;
  const [candidate] = decision?.candidates ?? [];
  assert.ok((candidate?.lostCoreHours ?? 0) > 0);
  const [group] = lossesOf(cluster.ledger, ["g"]);
  const coreHours = candidate?.lostCoreHours;
  assert.equal(group?.losses, [{ instanceId: "v", timeMs: NOW, coreHours }]);
});

test("the budget for an hour is bounded by what is remembered", () => {
  assert.throws(
    () => new Cluster({ policy: { groupBudgetPerHour: 65 } }),
    (error: Error) => error.message.includes("groupBudgetPerHour"),
  );
  assert.is(DEFAULT_POLICY.groupBudgetPerHour, 0);
});

test.run();
