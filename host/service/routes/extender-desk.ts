/**
 * What Reprise says to kube-scheduler. It only says: nothing is reserved and nobody is told to end,
 * the scheduler does that itself.
 */
import { needColumn, PHASE_COUNT, RESOURCE_COUNT, RESOURCES } from "../../core/abi.js";
import type { DecisionRecord, ReservationRecord } from "../../ledger/records.js";
import type { ServiceRuntime } from "../runtime.js";
import { type Pod, podIds, podOwners, podRequests } from "./extender-pods.js";

const SCORE_MAX = 10;
/** Of a node that is not known here: neither better nor worse. */
const SCORE_UNKNOWN = 5;
/** A scheduler asks again long before this. */
const DEADLINE_MS = 60_000;

export interface Victims {
  readonly Pods?: readonly VictimPod[] | null;
  readonly NumPDBViolations?: number;
}

/** Whole where the scheduler sends pods, only `UID` where it sends their ids. */
export type VictimPod = Pod & { readonly UID?: string };

export type NodeVerdict =
  | { readonly kind: "as-asked" }
  | { readonly kind: "trimmed"; readonly uids: readonly string[] }
  | { readonly kind: "left-out"; readonly reason: string; readonly retryAtMs?: number };

export class ExtenderDesk {
  readonly #runtime: ServiceRuntime;
  #drawn = 0;

  constructor(runtime: ServiceRuntime) {
    this.#runtime = runtime;
  }

  /**
   * Why a pod may not go onto a node; undefined when it may. Only what is kept for restarts speaks
   * against it: what pods ask for is the scheduler's own to count.
   */
  refusal(pod: Pod, nodeId: string): string | undefined {
    const { allocator } = this.#runtime;
    if (!this.#knows(nodeId)) return undefined;
    const asked = podRequests(pod);
    const room = this.#room(pod, nodeId);
    const { reserved } = allocator.pool("node", nodeId);
    const lacks: string[] = [];
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const kept = peak(reserved, r);
      const left = (room[r] ?? 0) - (asked[r] ?? 0);
      if ((asked[r] ?? 0) > 0 && kept > 0 && left < 0) lacks.push(`${round(kept)} ${UNITS[r]}`);
    }
    if (lacks.length === 0) return undefined;
    const { owners, untilMs } = this.#holders(nodeId);
    const until = new Date(untilMs).toISOString();
    return `${lacks.join(" and ")} kept for the restart of ${owners} until ${until}`;
  }

  /** 10 where room is kept for it, else more where more is left for restarts. */
  score(pod: Pod, nodeId: string): number {
    if (!this.#knows(nodeId)) return SCORE_UNKNOWN;
    if (this.#ownLease(pod, nodeId) !== undefined) return SCORE_MAX;
    const asked = podRequests(pod);
    const room = this.#room(pod, nodeId);
    const { allocatable } = this.#runtime.allocator.pool("node", nodeId);
    let share = 1;
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const whole = allocatable[r] ?? 0;
      if (whole > 0) share = Math.min(share, ((room[r] ?? 0) - (asked[r] ?? 0)) / whole);
    }
    return Math.max(0, Math.min(SCORE_MAX - 1, Math.floor(share * SCORE_MAX)));
  }

  /** What becomes of the scheduler's victims on a node. */
  judge(pod: Pod, nodeId: string, { Pods }: Victims): NodeVerdict {
    const byInstance = new Map<string, string>();
    for (const victim of Pods ?? []) {
      const uid = victim.UID ?? victim.metadata?.uid;
      const instanceId = this.#instanceOf(victim);
      // Of whom nothing is known nothing is said, and whoever is not enforced is left alone.
      if (uid === undefined || uid === null || instanceId === undefined)
        return { kind: "as-asked" };
      if (this.#runtime.modeOf(instanceId) !== "enforce") return { kind: "as-asked" };
      byInstance.set(instanceId, uid);
    }
    if (byInstance.size === 0 || !this.#knows(nodeId)) return { kind: "as-asked" };
    return verdictOf(this.#consider(pod, nodeId, byInstance), byInstance);
  }

  #consider(pod: Pod, nodeId: string, candidates: ReadonlyMap<string, string>): DecisionRecord {
    const nowMs = this.#runtime.clock.nowMs();
    const request = {
      kind: "reclaim",
      requestId: `preemption-${++this.#drawn}`,
      receivedMs: nowMs,
      nodeIds: [nodeId],
      amounts: podRequests(pod),
      deadlineMs: nowMs + DEADLINE_MS,
      priorityMax: (pod.spec?.priority ?? 0) - 1,
      purpose: "requester",
    } as const;
    // A neighbour that would have to shrink first is no help: the scheduler counts requests.
    return this.#runtime.coordinator.consider(request, {
      isPinned: (instanceId) => !candidates.has(instanceId),
      shrink: false,
    });
  }

  #instanceOf(victim: VictimPod): string | undefined {
    const ids = [...(victim.UID === undefined ? [] : [victim.UID]), ...podIds(victim)];
    return ids.find((id) => this.#runtime.profiler.has(id));
  }

  #knows(nodeId: string): boolean {
    return this.#runtime.allocator.hasNode(nodeId);
  }

  /** Lowest headroom of all phases, with what is kept for the pod itself; one value a resource. */
  #room(pod: Pod, nodeId: string): number[] {
    const headroom = this.#runtime.allocator.headroom(nodeId);
    const own = this.#ownLease(pod, nodeId)?.amounts ?? [];
    return Array.from({ length: RESOURCE_COUNT }, (_, r) => {
      let least = Number.POSITIVE_INFINITY;
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        const column = needColumn(r, phase);
        least = Math.min(least, (headroom[column] ?? 0) + (own[column] ?? 0));
      }
      return least;
    });
  }

  #ownLease(pod: Pod, nodeId: string): ReservationRecord | undefined {
    for (const ownerId of podOwners(pod)) {
      const lease = this.#runtime.allocator.reservationOfOwner(ownerId);
      if (lease?.state === "held" && lease.nodeId === nodeId) return lease;
    }
    return undefined;
  }

  #holders(nodeId: string): { readonly owners: string; readonly untilMs: number } {
    const here = [...this.#runtime.allocator.reservations()].filter(
      (lease) => lease.nodeId === nodeId && lease.state === "held",
    );
    const [first] = here;
    const more = here.length > 1 ? ` and ${here.length - 1} more` : "";
    const untilMs = here.reduce((latest, { expiresMs }) => Math.max(latest, expiresMs), 0);
    return { owners: `${first?.ownerId ?? "somebody"}${more}`, untilMs };
  }
}

const UNITS = RESOURCES.map((name) =>
  name === "cpu" ? "cores" : name === "memory" ? "GiB" : name,
);

function verdictOf(decision: DecisionRecord, uids: ReadonlyMap<string, string>): NodeVerdict {
  const { kind, victims, reasons, retryAtMs } = decision;
  if (kind === "proceed") {
    const chosen = victims.flatMap((instanceId) => uids.get(instanceId) ?? []);
    // A node without a victim is an error to the scheduler, which counts otherwise: it knows better.
    return chosen.length === 0 ? { kind: "as-asked" } : { kind: "trimmed", uids: chosen };
  }
  const [first] = reasons;
  if (kind === "refuse" && first !== undefined && !PROTECTING.has(first.code)) {
    return { kind: "as-asked" };
  }
  const reason = first?.text ?? "not now";
  return { kind: "left-out", reason, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
}

/** Refusals that protect somebody; others say that the books here are not the scheduler's. */
const PROTECTING: ReadonlySet<string> = new Set(["PRIORITY_TOO_HIGH", "NOT_INTERRUPTIBLE"]);

function peak(reserved: readonly number[], resource: number): number {
  let most = 0;
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    most = Math.max(most, reserved[needColumn(resource, phase)] ?? 0);
  }
  return most;
}

function round(amount: number): number {
  return Math.round(amount * 100) / 100;
}
