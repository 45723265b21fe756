/** What changed, for those who follow: server-sent events, the terminal view, tests. */
import type { Grant } from "../allocator/types.js";
import type { DecisionRecord } from "../ledger/records.js";
import type { Notice } from "../sources/notices/notice.js";

export type ServiceEvent =
  | { readonly kind: "decision"; readonly decision: DecisionSummary }
  | { readonly kind: "grant"; readonly grant: Grant }
  | { readonly kind: "stopped"; readonly instanceId: string; readonly timeMs: number }
  | { readonly kind: "registered" | "unregistered"; readonly instanceId: string }
  | { readonly kind: "registered-many"; readonly count: number }
  | { readonly kind: "node"; readonly nodeId: string; readonly there: boolean }
  | { readonly kind: "tick"; readonly sampleCount: number; readonly timeMs: number }
  /** The node that a cloud's machine is here; it may be one that nobody registered. */
  | {
      readonly kind: "notice";
      readonly notice: Omit<Notice, "raw">;
      readonly nodeId: string;
      /** Of a rebalance hint for a known node: the chance that it is lost within the hour. */
      readonly lossChance?: number;
    }
  /** The cloud was told that it may happen before its time. */
  | { readonly kind: "notice-acknowledged"; readonly notice: Omit<Notice, "raw"> }
  | { readonly kind: "health"; readonly degraded: string | null }
  /** At the start: bytes of a line cut short, taken off the audit log. */
  | { readonly kind: "audit-mended"; readonly bytes: number }
  /** The configuration was read again; what of it waits for a restart. */
  | { readonly kind: "config"; readonly needsRestart: readonly string[] };

/** A decision without its inputs, which may be long. */
export type DecisionSummary = Omit<DecisionRecord, "inputs" | "candidates">;

export interface NumberedEvent {
  /** Rises by one; a follower that was away asks for what came after the last it saw. */
  readonly id: number;
  readonly timeMs: number;
  readonly event: ServiceEvent;
}

type Follower = (event: NumberedEvent) => void;

const KEPT_MAX = 1_024;

export class EventHub {
  readonly #followers = new Set<Follower>();
  readonly #kept: NumberedEvent[] = [];
  #lastId = 0;

  publish(event: ServiceEvent, timeMs: number): void {
    const numbered = { id: ++this.#lastId, timeMs, event };
    this.#kept.push(numbered);
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
    for (const follower of this.#followers) follower(numbered);
  }

  get followerCount(): number {
    return this.#followers.size;
  }

  /** What is still kept of the events after `id`. */
  since(id: number): readonly NumberedEvent[] {
    return this.#kept.filter((event) => event.id > id);
  }

  /** @returns ends it */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

export function summaryOf(decision: DecisionRecord): DecisionSummary {
  const { inputs: _inputs, candidates: _candidates, ...summary } = decision;
  return summary;
}
