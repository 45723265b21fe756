import { RESOURCE_COUNT } from "../../core/abi.js";
import type { Amounts } from "../scenario.js";
import type { OutcomeActor } from "./outcome-actor.js";
import type { OutcomeActors } from "./outcome-actors.js";
import type { OutcomePolicy } from "./outcome-policy.js";
import type { OutcomeTally } from "./outcome-tally.js";

const CPU = 0;
const MEMORY = 1;
const MINUTES_AN_HOUR = 60;
/** Grants are multiples of 1/1024. */
const STEP = 1 / 1024;

export interface Minute {
  readonly actors: OutcomeActors;
  readonly policy: OutcomePolicy;
  readonly capacity: ReadonlyMap<string, Amounts>;
  readonly tally: OutcomeTally;
  readonly nowMs: number;
}

interface NodeMinute {
  readonly nodeId: string;
  readonly members: OutcomeActor[];
  readonly wanted: Float64Array;
  readonly granted: Float64Array;
  readonly usedOfGrants: Float64Array;
  hasRestart: boolean;
}

/** Counts what this minute was like: for each node, then for everybody on it. */
export function measureMinute(minute: Minute): void {
  const nodes = new Map<string, NodeMinute>();
  for (const nodeId of minute.capacity.keys()) nodes.set(nodeId, emptyMinute(nodeId));
  for (const actor of minute.actors.all) {
    minute.tally.instanceMinutes++;
    const node = actor.isUp ? nodes.get(actor.nodeId) : undefined;
    if (node !== undefined) addMember(node, actor);
  }
  for (const node of nodes.values()) measureNode(node, minute);
}

function emptyMinute(nodeId: string): NodeMinute {
  const row = (): Float64Array => new Float64Array(RESOURCE_COUNT);
  const sums = { wanted: row(), granted: row(), usedOfGrants: row() };
  return { nodeId, members: [], ...sums, hasRestart: false };
}

function addMember(node: NodeMinute, actor: OutcomeActor): void {
  node.members.push(actor);
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    const demand = actor.demand[r] ?? 0;
    node.wanted[r] = (node.wanted[r] ?? 0) + demand;
    if (actor.window === null) continue;
    node.hasRestart = true;
    const granted = actor.grantedNow(r);
    node.granted[r] = (node.granted[r] ?? 0) + granted;
    node.usedOfGrants[r] = (node.usedOfGrants[r] ?? 0) + Math.min(granted, demand);
  }
}

function measureNode(node: NodeMinute, minute: Minute): void {
  const { tally, policy } = minute;
  const capacity = minute.capacity.get(node.nodeId) ?? [];
  const full: boolean[] = [];
  const reserved =
    policy.reservedOn === undefined ? [...node.granted] : policy.reservedOn(node.nodeId);
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    const wanted = node.wanted[r] ?? 0;
    const has = capacity[r] ?? 0;
    full.push(wanted > has);
    tally.used[r] = (tally.used[r] ?? 0) + Math.min(wanted, has);
    tally.capacity[r] = (tally.capacity[r] ?? 0) + has;
    const kept = Math.min(reserved[r] ?? 0, Math.max(0, has));
    tally.reservedMinutes[r] = (tally.reservedMinutes[r] ?? 0) + kept;
    const unused = Math.max(0, kept - (node.usedOfGrants[r] ?? 0));
    tally.unusedMinutes[r] = (tally.unusedMinutes[r] ?? 0) + unused;
  }
  const isFull = full.includes(true);
  if (isFull) {
    tally.overloadNodeMinutes++;
    const wanted = node.wanted[CPU] ?? 0;
    const missed = Math.max(0, wanted - Math.max(0, capacity[CPU] ?? 0));
    tally.missedCoreHours += missed / MINUTES_AN_HOUR;
  }
  for (const actor of node.members) if (isSqueezed(actor, policy)) tally.squeezedMinutes++;
  if (!isFull && !node.hasRestart) return;
  for (const actor of node.members) measureMember(actor, full, minute);
}

/** Wants more memory than it holds, by its own past or because it gave to others. */
function isSqueezed({ window, instance, demand }: OutcomeActor, policy: OutcomePolicy): boolean {
  if (window !== null) return false;
  const held = policy.heldBy(instance.instanceId)?.[MEMORY] ?? 0;
  return (demand[MEMORY] ?? 0) > held + STEP;
}

function measureMember(actor: OutcomeActor, full: readonly boolean[], minute: Minute): void {
  const { tally, policy, nowMs } = minute;
  const { window, instance } = actor;
  let exceeded = false;
  let throttled = false;
  const held = window === null ? policy.heldBy(instance.instanceId) : undefined;
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    if (r === MEMORY && window?.outOfMemory === true) continue;
    const has = window === null ? (held?.[r] ?? 0) : actor.grantedNow(r);
    if ((actor.demand[r] ?? 0) <= has + STEP) continue;
    exceeded = true;
    if (full[r] === true) throttled = true;
  }
  if (window === null) {
    if (throttled) countSlo(tally, instance.priority);
    return;
  }
  if ((actor.demand[MEMORY] ?? 0) > actor.grantedNow(MEMORY) + STEP && actor.killOnce()) {
    tally.outOfMemory++;
    const { priority } = instance;
    tally.lostByClass[priority] = (tally.lostByClass[priority] ?? 0) + actor.lose(nowMs);
  }
  if (exceeded) {
    window.exceededMinutes++;
    countSlo(tally, instance.priority);
  }
  if (throttled) window.throttledMinutes++;
  if (full.includes(true)) window.overloadedMinutes++;
  window.minutes++;
}

function countSlo(tally: OutcomeTally, priority: number): void {
  tally.sloMinutes[priority] = (tally.sloMinutes[priority] ?? 0) + 1;
}
