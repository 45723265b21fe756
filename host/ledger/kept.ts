/**
 * What is kept beside each decision, so that finding the latest one on a request and removing the
 * oldest reads no decision: they may be large.
 */
import type { Ledger, LedgerChange } from "./ledger.js";
import type { DecisionRecord, PlanState } from "./records.js";

const ANSWERED_PREFIX = "answered/";
const PAGE = 64;

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

/** From the oldest on; read in pages, because a ledger in memory copies what it is asked for. */
export function* keptDecisions(ledger: Ledger): Iterable<KeptDecision> {
  let from = ANSWERED_PREFIX;
  let isLast = false;
  while (!isLast) {
    const page = [...ledger.entries("meta", { from, limit: PAGE })];
    isLast = page.length < PAGE;
    for (const [key, fact] of page) {
      if (!key.startsWith(ANSWERED_PREFIX)) return;
      // A page begins with the last one of the page before.
      if (key === from) continue;
      from = key;
      yield keptOf(key, String(fact));
    }
  }
}

function keptOf(key: string, fact: string): KeptDecision {
  const end = fact.indexOf(" ");
  return {
    decisionId: key.slice(ANSWERED_PREFIX.length),
    requestId: fact.slice(end + 1),
    decidedMs: Number(fact.slice(0, end)),
  };
}

/** The plan that a decision made: it has its number. */
export function planIdOf({ decisionId }: Pick<KeptDecision, "decisionId">): string {
  return decisionId.replace(/^d/, "p");
}

/** A plan that something is still to be done for. */
export function isOpenPlan(state: PlanState): boolean {
  return state === "committed" || state === "acting";
}
