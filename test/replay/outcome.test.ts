import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RESOURCE_COUNT } from "../../host/core/abi.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { readWeights } from "../../host/model/weights.js";
import { openExactCover } from "../../host/replay/outcome/exact-cover.js";
import { covers } from "../../host/replay/outcome/judged-plan.js";
import { OutcomeActors } from "../../host/replay/outcome/outcome-actors.js";
import { OUTCOME_POLICIES, openOutcomePolicy } from "../../host/replay/outcome/outcome-policies.js";
import {
  outcomeSpan,
  planOutcome,
  readAllUsage,
} from "../../host/replay/outcome/outcome-scenario.js";
import { OutcomeWorld } from "../../host/replay/outcome/outcome-world.js";
import { compareCosts, costByClass } from "../../host/replay/outcome/plan-regret.js";
import { noteProfiles } from "../../host/replay/outcome/profile-table.js";
import type { SeenPlan } from "../../host/replay/rival-policy.js";
import { openTraceFolder } from "../../host/replay/trace-folder.js";

const test = suite("outcome world");
const folder = openTraceFolder(undefined);
const span = outcomeSpan(folder, 1);
const usage = await readAllUsage(folder, span);
const weights = readWeights(shippedWeightsFile() ?? "");
const table = await noteProfiles(usage, span, { weights, onTime: () => {} });
const cover = await openExactCover();
const scenario = await planOutcome(folder, usage, { span, seed: 3, nodeCount: 2 });

async function play(name: (typeof OUTCOME_POLICIES)[number]) {
  const clock = new VirtualClock(scenario.warmUpFromMs);
  const actors = new OutcomeActors(scenario);
  const plans: SeenPlan[] = [];
  const onPlan = (plan: SeenPlan) => plans.push(plan);
  const parts = { scenario, actors, clock, table, cover, onPlan };
  const policy = openOutcomePolicy(name, parts);
  const world = new OutcomeWorld({ scenario, actors, policy, clock, plans });
  const held: (readonly number[] | undefined)[] = [];
  try {
    await world.run(() => {});
    for (const { instance } of actors.all) held.push(policy.heldBy(instance.instanceId));
  } finally {
    await policy.close();
  }
  return { world, actors, held, figures: world.tally.figures() };
}

for (const name of OUTCOME_POLICIES) {
  test(`${name}: nobody is lost, capacity is conserved, the figures add up`, async () => {
    const { world, actors, held, figures } = await play(name);
    assert.is(actors.all.length, scenario.instances.length);
    const nodeIds = new Set(scenario.nodes.map(({ nodeId }) => nodeId));
    for (const actor of actors.all) assert.ok(nodeIds.has(actor.nodeId));
    const interrupted = Object.values(figures.interruptions).reduce((sum, each) => sum + each, 0);
    const stops = actors.all.reduce((sum, actor) => sum + actor.interruptionCount, 0);
    assert.is(interrupted, stops);
    assert.ok(stops > 0, "a day without an interruption tests nothing");
    const down = actors.all.filter(({ isUp }) => !isUp).length;
    assert.is(figures.restarts.granted, stops - down);
    actors.all.forEach((actor, index) => {
      if (actor.isUp && !name.startsWith("reprise")) assert.ok(held[index] !== undefined);
      if (!actor.isUp) assert.is(held[index], undefined, `${actor.instance.instanceId} holds`);
    });
    const { met, missed, missedFeasible } = figures.reclaims;
    const losses = scenario.capacityEvents.filter(
      ({ fraction, timeMs }) => fraction < 0 && timeMs <= scenario.toMs,
    );
    assert.is(met + missed, losses.length);
    assert.ok(missedFeasible <= missed);
    for (const { nodeId, capacity } of scenario.nodes) {
      const now = world.capacity.get(nodeId) ?? [];
      capacity.forEach((amount, resource) => {
        assert.ok((now[resource] ?? 0) <= amount + 1e-9, "more came back than had left");
        assert.ok((now[resource] ?? 0) >= -1e-9, "more left than there was");
      });
    }
    for (const used of figures.utilisation) assert.ok(used > 0 && used <= 1);
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const [unused = 0, reserved = 0] = [
        figures.reservedUnused[resource],
        figures.reserved[resource],
      ];
      assert.ok(unused >= 0 && unused <= reserved + 1e-9);
    }
    const { wholeAtOnce, coveredAtOnce, servedAtOnce, count } = figures.restarts;
    assert.ok(coveredAtOnce <= wholeAtOnce && wholeAtOnce <= count && servedAtOnce <= count);
    const byClass = figures.lostCoreHoursByClass.reduce((sum, each) => sum + each, 0);
    assert.ok(Math.abs(byClass - figures.lostCoreHours) < 1e-9);
    assert.is(figures.lostCoreHoursByClass[0], 0, "the lowest class keeps no work to lose");
    for (const plan of world.judged) {
      const chosen = plan.candidates.filter((candidate) => candidate.chosen);
      assert.ok(chosen.length > 0);
    }
    for (const { candidates, needed } of world.judged.filter(covers).slice(0, 4)) {
      const best = cover(candidates, needed);
      assert.ok(best !== null);
      const mine = costByClass(candidates, (index) => candidates[index]?.chosen === true);
      const least = costByClass(candidates, (index) => best[index] === true);
      assert.ok(compareCosts(least, mine) <= 0, `${least} against ${mine}`);
    }
  });
}

test("the same seed gives the same figures", async () => {
  for (const name of ["kube", "reprise"] as const) {
    const [first, second] = [await play(name), await play(name)];
    assert.equal(first.figures, second.figures);
    assert.equal(first.world.judged, second.world.judged);
  }
});

test("Reprise never interrupts a higher class while lower ones would do", async () => {
  const { figures } = await play("reprise");
  assert.is(figures.inversions, 0);
});

test.run();
