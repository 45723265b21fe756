/** What must hold in the simulated world after every turn. */
import * as assert from "uvu/assert";
import { replayDecision } from "../../host/coordinator/decision.js";
import type { RecordedInputs } from "../../host/coordinator/inputs.js";
import { coolDownEndMs, minRunEndMs } from "../../host/coordinator/policy.js";
import type { CoordinatorPolicy } from "../../host/coordinator/types.js";
import type { Act } from "../../host/engines/engine.js";
import { canonicalJson } from "../../host/ledger/encoding.js";
import type { DecisionRecord } from "../../host/ledger/records.js";
import type { World } from "./world.js";

/** No act without a committed plan, and of that plan. */
export function checkAct(world: World, act: Act): void {
  if (act.kind === "interrupt" || act.kind === "shrink") {
    const plan = world.ledger.get("plan", act.planId);
    assert.ok(plan, `${act.actId} has no plan`);
    assert.ok(plan.state === "committed" || plan.state === "acting", `${act.actId}: ${plan.state}`);
    const named =
      act.kind === "interrupt" ? plan.victims : plan.shrinks.map(({ donorId }) => donorId);
    assert.ok(named.includes(act.instanceId), `${act.actId} is not of its plan`);
    assert.is(act.fencingToken, plan.fencingToken);
    if (act.kind === "interrupt") {
      assert.ok(world.actors.get(act.instanceId)?.registration.interruptible, "pinned");
    }
  } else {
    assert.ok(world.ledger.get("meta", `act/${act.actId}`), `${act.actId} was not written down`);
  }
}

export function checkWorld(world: World): void {
  world.allocator.checkInvariants();
  assert.equal(world.allocator.leakAudit().leaks, []);
  const nowMs = world.clock.nowMs();
  const downOfGroup = new Map<string, number>();
  for (const actor of world.actors.values()) {
    if (actor.up || !actor.interrupted) continue;
    const { instanceId, groupId } = actor.registration;
    downOfGroup.set(groupId, (downOfGroup.get(groupId) ?? 0) + 1);
    assert.ok(hasLease(world, instanceId, nowMs), `${instanceId} is down without a reservation`);
  }
  for (const [groupId, count] of downOfGroup) {
    assert.ok(count <= world.policy.groupBudget, `${count} of ${groupId} are down`);
  }
}

/** A held lease, or one that has run out because the restart is late. */
function hasLease(world: World, instanceId: string, nowMs: number): boolean {
  const lease = world.allocator.reservationOfOwner(instanceId);
  if (lease?.state === "held") {
    world.leaseEnds.set(instanceId, lease.expiresMs);
    return true;
  }
  return (world.leaseEnds.get(instanceId) ?? Number.POSITIVE_INFINITY) <= nowMs;
}

export function checkDecision(world: World, decision: DecisionRecord): void {
  const stored = world.coordinator.explain(decision.decisionId);
  assert.is(stored.inputsHash, decision.inputsHash);
  // Making a decision again costs as much as making it; deferrals are many and alike.
  if (decision.kind === "proceed" || decision.decisionId.endsWith("7")) {
    assert.is(canonicalJson(replayDecision(stored)), canonicalJson(decision));
  }
  if (decision.kind === "defer") {
    assert.ok((decision.retryAtMs ?? 0) > decision.decidedMs, "a deferral says until when");
  }
  if (decision.kind !== "proceed") {
    assert.ok(decision.reasons.length > 0, "a no says why");
    return;
  }
  for (const instanceId of decision.victims) {
    const actor = world.actors.get(instanceId);
    assert.ok(actor?.registration.interruptible);
    const life = { launchedMs: actor.launchedMs, interruptionsMs: actor.interruptionsMs };
    // The act itself may have followed at once and is the newest entry.
    const before = life.interruptionsMs.filter((timeMs) => timeMs < decision.decidedMs);
    assert.ok(minRunEndMs(life, world.policy) <= decision.decidedMs, "minimum run time");
    const coolMs = coolDownEndMs(
      { ...life, interruptionsMs: before },
      decision.decidedMs,
      coolDownOf(decision, world.policy),
    );
    assert.ok(coolMs <= decision.decidedMs, "cool-down");
  }
  checkNoInversion(decision);
}

/** Under force the longer part of the cool-down may give way. */
function coolDownOf({ inputs }: DecisionRecord, policy: CoordinatorPolicy): CoordinatorPolicy {
  const { coolDownMinutes, coolDownForcedMinutes } = policy;
  if ((inputs as RecordedInputs).request.force !== true) return policy;
  return { ...policy, coolDownMinutes: Math.min(coolDownMinutes, coolDownForcedMinutes) };
}

/** All of the lower classes that have a place together free too little for what was asked. */
function checkNoInversion(decision: DecisionRecord): void {
  const inputs = decision.inputs as RecordedInputs;
  const { request, policy } = inputs;
  if (request.kind !== "reclaim" || request.purpose !== "capacity-loss") return;
  if (decision.victims.length === 0 || policy.groupBudget < inputs.instances.length) return;
  const chosen = decision.candidates.filter((candidate) => candidate.chosen);
  const top = Math.max(...chosen.map(({ priority }) => priority));
  assert.ok(top <= request.priorityMax, "nothing above this priority");
  if (decision.reasons.some(({ code }) => code === "FORCED_SHORTFALL")) return;
  const scope = inputs.nodes.filter(({ nodeId }) => request.nodeIds.includes(nodeId));
  let cores = scope.reduce((sum, { room }) => sum + Math.min(...room.slice(0, 3)), 0);
  for (const candidate of decision.candidates) {
    if (candidate.excludedBy !== undefined || candidate.priority >= top) continue;
    const input = inputs.instances.find((each) => each.instanceId === candidate.instanceId);
    cores += input?.freed[0] ?? 0;
  }
  assert.ok(cores < (request.amounts[0] ?? 0), `class ${top} was touched without need`);
}
