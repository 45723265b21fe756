/**
 * How long deferred requests had to wait, learnt from those that are over. The time that a deferral
 * names is a quantile of these, so that it holds for the stated share of requests.
 */
import { canonicalJson } from "../ledger/encoding.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import type { DecisionRecord, ReasonCode } from "../ledger/records.js";
import { HOUR_MS } from "./policy.js";
import type { CoordinatorRequest } from "./types.js";

/** Said when too little is known: load comes back to the same level once a day. */
export const UNKNOWN_WAIT_MS = 24 * HOUR_MS;

/** Kept per kind of request. */
const WAITS_KEPT = 64;
/** Four of five, as a fraction, so that ranks are exact. */
const SHARE = { of: 5, met: 4 } as const;
const WAITS_PREFIX = "waits/";

/** What the first deferral of a request said. */
export interface FirstDeferral {
  readonly decidedMs: number;
  readonly code: ReasonCode;
  /** When the forecast of leases and limits saw it succeed; absent when it did not. */
  readonly forecastMs?: number;
}

export interface PastWait {
  /** The first reason of its first deferral. */
  readonly code: ReasonCode;
  /** From the first deferral to success; at least a day for one that never succeeded. */
  readonly waitMs: number;
  /** Success after the forecast's time, negative when before; absent without a forecast. */
  readonly lateMs?: number;
}

export function pastWaits(ledger: Ledger, kind: CoordinatorRequest["kind"]): readonly PastWait[] {
  const text = ledger.get("meta", `${WAITS_PREFIX}${kind}`);
  return typeof text === "string" ? (JSON.parse(text) as PastWait[]) : [];
}

/** What the end of a deferred request teaches. */
export function waitChanges(
  ledger: Ledger,
  decision: DecisionRecord,
  so: { readonly request: CoordinatorRequest; readonly firstDeferral?: FirstDeferral },
): LedgerChange[] {
  const { request, firstDeferral } = so;
  if (decision.kind === "defer" || firstDeferral === undefined) return [];
  const { decidedMs, code, forecastMs } = firstDeferral;
  const forced = decision.reasons.some((reason) => reason.code === "FORCED_SHORTFALL");
  const waitedMs = decision.decidedMs - decidedMs;
  // Forced through or refused at its deadline, it would have had to wait longer than it could.
  const unmet = forced || decision.kind === "refuse";
  const waitMs = unmet ? Math.max(waitedMs, UNKNOWN_WAIT_MS) : waitedMs;
  const lateMs = forecastMs === undefined ? {} : { lateMs: decidedMs + waitMs - forecastMs };
  const waits = [...pastWaits(ledger, request.kind), { code, waitMs, ...lateMs }];
  const put = canonicalJson(waits.slice(-WAITS_KEPT));
  return [{ table: "meta", key: `${WAITS_PREFIX}${request.kind}`, put }];
}

/**
 * The further wait within which four of five of those that had waited this long succeeded: of
 * requests with the same reason, else of all; undefined when too few are known (fewer than four).
 */
export function furtherWaitMs(
  past: readonly PastWait[],
  code: ReasonCode | undefined,
  waitedMs: number,
): number | undefined {
  const longer = past.filter(({ waitMs }) => waitMs > waitedMs);
  const alike = longer.filter((each) => each.code === code);
  const found = upperRank(alike.map(({ waitMs }) => waitMs)) ?? upperRank(longer.map(waitOf));
  return found === undefined ? undefined : found - waitedMs;
}

/** How much later than the forecast four of five succeed; zero until four are known. */
export function forecastLatenessMs(past: readonly PastWait[]): number {
  const late = past.flatMap(({ lateMs }) => (lateMs === undefined ? [] : [lateMs]));
  return Math.max(0, upperRank(late) ?? 0);
}

/** The split-conformal quantile: the next value is at most this with the stated chance. */
function upperRank(values: readonly number[]): number | undefined {
  const rank = Math.ceil(((values.length + 1) * SHARE.met) / SHARE.of);
  return [...values].sort((a, b) => a - b)[rank - 1];
}

function waitOf({ waitMs }: PastWait): number {
  return waitMs;
}
