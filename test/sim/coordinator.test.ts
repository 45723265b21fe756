/**
 * The real coordinator and allocator through a simulated day of faults, two hundred times over.
 * A failure names its seed; `new World(seed)` replays it.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HOUR_MS, MINUTE_MS } from "../../host/coordinator/policy.js";
import { checkAct, checkDecision, checkWorld } from "./checks.js";
import { World } from "./world.js";

const SEEDS = 200;
const STEPS = 24;
const test = suite("coordinator simulation");
const totals = {
  decisions: 0,
  proceeds: 0,
  victims: 0,
  grants: 0,
  kills: 0,
  forced: 0,
  shrinks: 0,
};

let refusedByAllocator = 0;

async function run(seed: number): Promise<void> {
  const world = new World(seed);
  world.engine.check = (act) => checkAct(world, act);
  for (let step = 0; step < STEPS; step++) {
    await world.step();
    await turn(world);
  }
  await settle(world);
  totals.kills += world.kills;
  for (const act of world.engine.acts) {
    if (act.kind === "grant") totals.grants += 1;
    if (act.kind === "shrink") totals.shrinks += 1;
  }
}

async function turn(world: World): Promise<void> {
  const report = await world.tick();
  checkWorld(world);
  for (const decision of report?.decisions ?? []) {
    checkDecision(world, decision);
    totals.decisions += 1;
    if (decision.kind === "proceed") totals.proceeds += 1;
    totals.victims += decision.victims.length;
    const codes = decision.reasons.map(({ code }) => code);
    if (codes.includes("FORCED_SHORTFALL")) totals.forced += 1;
    if (codes.includes("ALLOCATOR_REFUSED")) refusedByAllocator += 1;
  }
}

/** Progress once faults stop: everything is answered, everybody comes back, no lease is leaked. */
async function settle(world: World): Promise<void> {
  world.stopFaults();
  for (let turns = 0; turns < 35; turns++) {
    world.clock.advanceTo(world.clock.nowMs() + 2 * MINUTE_MS);
    await turn(world);
  }
  world.clock.advanceTo(world.clock.nowMs() + MINUTE_MS);
  await world.restartEverybody();
  world.clock.advanceTo(world.clock.nowMs() + 2 * HOUR_MS);
  const report = await world.tick();
  assert.is(report?.pendingRequestCount, 0, "a request was never answered");
  assert.is(report?.openActCount, 0, "an act was never answered");
  assert.equal([...world.allocator.reservations()], [], "a lease was leaked");
  for (const [instanceId, actor] of world.actors) {
    assert.ok(actor.up);
    assert.ok(world.allocator.allocationOf(instanceId), `${instanceId} is up and holds nothing`);
  }
  world.allocator.checkInvariants();
}

test(`${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await run(seed);
    } catch (error) {
      const what = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
      throw new Error(`seed ${seed}: ${what}`, { cause: error });
    }
  }
  // The dice must have reached what the checks are about.
  for (const [what, count] of Object.entries(totals)) assert.ok(count > 0, `no ${what}`);
  // The planner knows the allocator's rules well enough to be refused hardly ever.
  assert.ok(refusedByAllocator * 50 < totals.proceeds, `${refusedByAllocator} plans were refused`);
  assert.ok(totals.victims > SEEDS, JSON.stringify(totals));
});

test.run();
