/**
 * Takes up what a former process left: pending requests, unanswered acts, open plans and who is
 * down. An open plan whose leases all live is completed (acts are idempotent); any other is rolled
 * back as if the engine had refused what is not confirmed.
 */

import type { ResourceAllocator } from "../allocator/types.js";
import type { Act } from "../engines/engine.js";
import { isOpenPlan } from "../ledger/kept.js";
import type { Ledger } from "../ledger/ledger.js";
import type { PlanRecord, ReservationRecord } from "../ledger/records.js";
import { VersionedMap } from "../lib/versioned-map.js";
import { downInstance, isHoldOf, PENDING_PREFIX, SEQUENCE_KEY } from "./commit-plan.js";
import { type DownInstance, DownInstances } from "./down-instances.js";
import { ACT_PREFIX } from "./give-backs.js";
import type { RecordedInputs } from "./inputs.js";
import type { InstanceRegistry } from "./instances.js";
import { interruptActId, unansweredActs } from "./plan-acts.js";
import {
  type CoordinatorState,
  type OpenPlan,
  type PendingRequest,
  withdrawnPlan,
} from "./state.js";

export interface Recovered {
  readonly state: CoordinatorState;
  readonly sequence: number;
}

export function recoverState(ports: {
  readonly ledger: Ledger;
  readonly allocator: ResourceAllocator;
  readonly instances: InstanceRegistry;
}): Recovered {
  const { ledger, allocator, instances } = ports;
  const pending = new Map<string, PendingRequest>();
  for (const text of valuesWithPrefix(ledger, PENDING_PREFIX)) {
    const each = JSON.parse(text) as PendingRequest;
    pending.set(each.request.requestId, each);
  }
  const outbox = new Map<string, Act>();
  for (const text of valuesWithPrefix(ledger, ACT_PREFIX)) {
    const act = JSON.parse(text) as Act;
    outbox.set(act.actId, act);
  }
  const plans = new Map<string, OpenPlan>();
  const victims = new Map<string, string>();
  for (const [planId, record] of ledger.entries("plan")) {
    for (const instanceId of record.victims) victims.set(`${planId}/${instanceId}`, planId);
    if (!isOpenPlan(record.state)) continue;
    const plan = openPlan(record, ports);
    if (plan !== undefined) plans.set(planId, plan);
  }
  const down = new Map<string, DownInstance>();
  for (const lease of allocator.reservations()) {
    if (lease.state !== "held" || lease.planId === undefined) continue;
    if (!victims.has(`${lease.planId}/${lease.instanceId}`)) continue;
    down.set(lease.instanceId, downInstance(lease));
  }
  // Late ones, whose lease has run out, are down all the same.
  for (const [instanceId, { downSinceMs }] of ledger.entries("incarnation")) {
    const groupId = instances.get(instanceId)?.registration.groupId;
    if (downSinceMs === undefined || groupId === undefined || down.has(instanceId)) continue;
    down.set(instanceId, { instanceId, groupId, expectedRestartMs: downSinceMs });
  }
  const sequence = Number(ledger.get("meta", SEQUENCE_KEY) ?? 0);
  const state = {
    pending: new VersionedMap(pending),
    plans,
    down: new DownInstances().with([...down.values()]),
    outbox,
  };
  return { state, sequence };
}

function openPlan(
  record: PlanRecord,
  { ledger, allocator }: { readonly ledger: Ledger; readonly allocator: ResourceAllocator },
): OpenPlan | undefined {
  // A plan and its decision are written together and carry the same number.
  const decision = ledger.get("decision", record.planId.replace(/^p/, "d"));
  if (decision === undefined) return undefined;
  const { request } = decision.inputs as RecordedInputs;
  const leases = record.reservationIds.map((id) => allocator.reservation(id));
  const down = leases.flatMap((lease) =>
    lease !== undefined && record.victims.includes(lease.instanceId) ? [downInstance(lease)] : [],
  );
  const isWithdrawn = record.withdrawn === true;
  const alive = leases.every((lease) => {
    if (lease?.state === "held" || lease?.state === "claimed") return true;
    // What was held for a request that is over is not missed.
    return isWithdrawn && lease !== undefined && isHoldOf(record.requestId, lease.ownerId);
  });
  const plan: OpenPlan = { record: seenBack(record, leases), request, down, refusedActs: [] };
  if (!alive) return { ...plan, refusedActs: unansweredActs(plan) };
  return isWithdrawn ? withdrawnPlan(plan) : plan;
}

/** Whoever has claimed its lease was interrupted and is back: nobody stops it a second time. */
function seenBack(
  record: PlanRecord,
  leases: readonly (ReservationRecord | undefined)[],
): PlanRecord {
  const seen = leases.flatMap((lease) =>
    lease?.state === "claimed" && record.victims.includes(lease.instanceId)
      ? [interruptActId(record.planId, lease.instanceId)]
      : [],
  );
  return { ...record, confirmedActs: [...new Set([...record.confirmedActs, ...seen])] };
}

function* valuesWithPrefix(ledger: Ledger, prefix: string): Iterable<string> {
  for (const [key, value] of ledger.entries("meta", { from: prefix })) {
    if (!key.startsWith(prefix)) return;
    if (typeof value === "string") yield value;
  }
}
