/**
 * What is kept beside each decision, so that finding the latest one on a request and removing the
 * oldest reads no decision: they may be large.
 */
import type { Ledger, LedgerChange } from "./ledger.js";
import type { DecisionRecord, PlanState } from "./records.js";

const ANSWERED_PREFIX = "answered/";

/** Where the ledger has the latest decision on a request. */
export function requestKey(requestId: string): string {
  return `request/${requestId}`;
}

/** For the commit that puts the decision. */
export function decisionFacts(decision: DecisionRecord): LedgerChange[] {
  const { decisionId, decidedMs, requestId } = decision;
  return [
    { table: "meta", key: requestKey(requestId), put: decisionId },
    { table: "meta", key: ANSWERED_PREFIX + decisionId, put: `${decidedMs} ${requestId}` },
  ];
}

/** What goes with a decision, itself included. */
export function decisionRemoval(ledger: Ledger, kept: KeptDecision): LedgerChange[] {
  const { decisionId, requestId } = kept;
  const ofRequest = requestKey(requestId);
  return [
    { table: "decision", key: decisionId, remove: true },
    { table: "meta", key: ANSWERED_PREFIX + decisionId, remove: true },
    ...(ledger.get("meta", ofRequest) === decisionId
      ? [{ table: "meta", key: ofRequest, remove: true } as const]
      : []),
  ];
}

export interface KeptDecision {
  readonly decisionId: string;
  readonly requestId: string;
  readonly decidedMs: number;
}

/** From the oldest on. */
export function* keptDecisions(ledger: Ledger): Iterable<KeptDecision> {
  for (const [key, fact] of ledger.entries("meta", { from: ANSWERED_PREFIX })) {
    if (!key.startsWith(ANSWERED_PREFIX)) return;
    const text = String(fact);
    const end = text.indexOf(" ");
    yield {
      decisionId: key.slice(ANSWERED_PREFIX.length),
      requestId: text.slice(end + 1),
      decidedMs: Number(text.slice(0, end)),
    };
  }
}

/** A plan that something is still to be done for. */
export function isOpenPlan(state: PlanState): boolean {
  return state === "committed" || state === "acting";
}
