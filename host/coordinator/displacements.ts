/**
 * Who was displaced by whom, kept in the ledger, so that nobody displaces in a circle: A takes the
 * room of B, B comes back and takes that of A, and so on, each time with lost work and for nothing.
 */
import { canonicalJson } from "../ledger/encoding.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import type { DecisionRecord } from "../ledger/records.js";
import type { PlanInputs } from "./inputs.js";
import type { CoordinatorRequest } from "./types.js";

/** As long as the longest cool-down. */
const REMEMBERED_MS = 4 * 60 * 60_000;
const KEPT = 256;
const KEY = "displacements";

export interface Displacement {
  /** Owners: they outlive the instances. */
  readonly by: string;
  readonly victim: string;
  readonly timeMs: number;
}

export interface Cycle {
  /** From who asks to who asks, each displaced by the next one before this request. */
  readonly path: readonly string[];
  /** When the oldest of these displacements is forgotten. */
  readonly untilMs: number;
}

export function pastDisplacements(ledger: Ledger): readonly Displacement[] {
  const text = ledger.get("meta", KEY);
  return typeof text === "string" ? (JSON.parse(text) as Displacement[]) : [];
}

/** What a plan for a named requester adds. */
export function displacementChanges(
  ledger: Ledger,
  decision: DecisionRecord,
  request: CoordinatorRequest,
): LedgerChange[] {
  const by = request.kind === "reclaim" ? request.requesterId : undefined;
  if (by === undefined || decision.victims.length === 0) return [];
  const { instances } = decision.inputs as PlanInputs;
  const victims = new Set(decision.victims);
  const added = instances
    .filter(({ instanceId }) => victims.has(instanceId))
    .map(({ ownerId }) => ({ by, victim: ownerId, timeMs: decision.decidedMs }));
  const all = [...pastDisplacements(ledger), ...added].slice(-KEPT);
  return [{ table: "meta", key: KEY, put: canonicalJson(all) }];
}

/** The shortest circle that `requester` would close by displacing `victim`; undefined if none. */
export function cycleClosedBy(
  displacements: readonly Displacement[],
  nowMs: number,
  so: { readonly requester: string; readonly victim: string },
): Cycle | undefined {
  const recent = displacements.filter(({ timeMs }) => timeMs + REMEMBERED_MS > nowMs);
  const seen = new Set([so.requester]);
  let ends = [{ path: [so.requester], untilMs: Number.POSITIVE_INFINITY }];
  while (ends.length > 0) {
    const next: typeof ends = [];
    for (const { path, untilMs } of ends) {
      for (const { by, victim, timeMs } of recent) {
        if (victim !== path.at(-1) || seen.has(by)) continue;
        const longer = {
          path: [...path, by],
          untilMs: Math.min(untilMs, timeMs + REMEMBERED_MS),
        };
        if (by === so.victim) return { ...longer, path: [...longer.path, so.requester] };
        seen.add(by);
        next.push(longer);
      }
    }
    ends = next;
  }
  return undefined;
}
