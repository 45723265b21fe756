/**
 * Whether pools keep what they say: the measured usage of restarts under way beside what their
 * leases hold together.
 *
 * Two or more claimed leases of a node are one observation for as long as neither they nor their
 * phases change. After it each resource's offset moves: up when usage was ever above the pool, down
 * a little when it was not, so that in the long run a pool is too small as seldom as is stated,
 * whatever the needs' law. Offsets count for leases made from then on; no promise is changed.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import type { Book } from "./book.js";
import type { LoadReader } from "./load.js";
import { POOL_OFFSET_MAX, POOL_OFFSET_MIN, POOL_RISK, POOL_TRACKER_RATE } from "./policy.js";
import { PHASE_END_MS, peakOver } from "./timeline.js";

interface Episode {
  readonly signature: string;
  readonly limits: readonly number[];
  readonly seen: boolean[];
  readonly exceeded: boolean[];
}

/** One step of quantile tracking. */
export function nextOffset(offset: number, exceeded: boolean): number {
  const moved = offset + POOL_TRACKER_RATE * ((exceeded ? 1 : 0) - POOL_RISK / RESOURCE_COUNT);
  return Math.min(POOL_OFFSET_MAX, Math.max(POOL_OFFSET_MIN, moved));
}

export class PoolWatch {
  readonly #book: Book;
  readonly #load: LoadReader;
  readonly #episodes = new Map<string, Episode>();
  #observedCount = 0;
  #exceededCount = 0;

  constructor(book: Book, load: LoadReader) {
    this.#book = book;
    this.#load = load;
  }

  /** Observations that ended, one a resource, and how many of them found the pool too small. */
  get counts(): { readonly observed: number; readonly exceeded: number } {
    return { observed: this.#observedCount, exceeded: this.#exceededCount };
  }

  /** Looks once; returns the observations that ended. Changes nothing but itself. */
  look(nowMs: number): readonly { readonly resource: number; readonly exceeded: boolean }[] {
    const ended: { resource: number; exceeded: boolean }[] = [];
    const running = this.#running();
    for (const [nodeId, episode] of [...this.#episodes]) {
      const leases = running.get(nodeId);
      if (leases !== undefined && signatureOf(leases, nowMs) === episode.signature) continue;
      this.#episodes.delete(nodeId);
      episode.seen.forEach((seen, resource) => {
        if (seen) ended.push({ resource, exceeded: episode.exceeded[resource] === true });
      });
    }
    for (const [nodeId, leases] of running) this.#measure(nodeId, leases, nowMs);
    this.#observedCount += ended.length;
    this.#exceededCount += ended.filter(({ exceeded }) => exceeded).length;
    return ended;
  }

  /** Claimed leases that share a pool, by node, where there are two or more. */
  #running(): Map<string, ReservationRecord[]> {
    const byNode = new Map<string, ReservationRecord[]>();
    for (const id of this.#book.claimedByOwner.values()) {
      const lease = this.#book.leases.get(id);
      if (lease?.quantiles === undefined) continue;
      byNode.set(lease.nodeId, [...(byNode.get(lease.nodeId) ?? []), lease]);
    }
    for (const [nodeId, leases] of byNode) if (leases.length < 2) byNode.delete(nodeId);
    return byNode;
  }

  #measure(nodeId: string, leases: readonly ReservationRecord[], nowMs: number): void {
    let episode = this.#episodes.get(nodeId);
    if (episode === undefined) {
      const ids = leases.map(({ reservationId }) => reservationId);
      episode = {
        signature: signatureOf(leases, nowMs),
        limits: peakOver(this.#book.together(ids), { fromMs: nowMs, toMs: nowMs }),
        seen: new Array<boolean>(RESOURCE_COUNT).fill(false),
        exceeded: new Array<boolean>(RESOURCE_COUNT).fill(false),
      };
      this.#episodes.set(nodeId, episode);
    }
    const usages = leases.map(({ instanceId }) => this.#load.instanceUsage(instanceId));
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const used = usages.reduce((sum, usage) => sum + (usage?.[r] ?? Number.NaN), 0);
      if (Number.isNaN(used)) continue;
      episode.seen[r] = true;
      if (used > (episode.limits[r] ?? 0)) episode.exceeded[r] = true;
    }
  }
}

/** Who is restarting, and in which phase each is. */
function signatureOf(leases: readonly ReservationRecord[], nowMs: number): string {
  return leases
    .map(({ reservationId, fencingToken, claimedMs = 0 }) => {
      const phase = PHASE_END_MS.filter((endMs) => endMs <= nowMs - claimedMs).length;
      return `${reservationId}/${fencingToken}/${phase}`;
    })
    .sort()
    .join();
}
