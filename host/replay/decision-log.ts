import { MINUTE_MS } from "../coordinator/policy.js";
import type { DecisionRecord } from "../ledger/records.js";

interface Course {
  deferrals: number;
  readonly deferredMs: number;
  /** By when the first deferral said that it will succeed. */
  readonly retryAtMs: number;
  /** It was tried at that time or after, and deferred again. */
  missed: boolean;
  settled: boolean;
}

/** Follows requests from their first deferral to their end. */
export class DecisionLog {
  readonly #courses = new Map<string, Course>();
  readonly #namedMinutes: number[] = [];
  readonly #waitedMinutes: number[] = [];
  #deferrals = 0;
  #grantedAtFirstRetry = 0;
  #grantedByRetryAt = 0;
  #missedRetryAt = 0;
  #forcedDeferred = 0;
  #refusals = 0;
  #forced = 0;

  add(decision: DecisionRecord): void {
    const { kind, reasons } = decision;
    if (kind === "defer") {
      this.#defer(decision);
      return;
    }
    if (kind === "refuse") this.#refusals++;
    const forced = reasons.some((reason) => reason.code === "FORCED_SHORTFALL");
    if (forced) this.#forced++;
    const course = this.#courses.get(decision.requestId);
    if (course === undefined || course.settled) return;
    course.settled = true;
    // A request that was forced through did not succeed; its deadline did.
    if (forced) this.#forcedDeferred++;
    if (forced || course.missed) return;
    if (kind === "refuse") {
      this.#missedRetryAt++;
      return;
    }
    if (course.deferrals === 1) this.#grantedAtFirstRetry++;
    this.#grantedByRetryAt++;
    this.#namedMinutes.push((course.retryAtMs - course.deferredMs) / MINUTE_MS);
    this.#waitedMinutes.push((decision.decidedMs - course.deferredMs) / MINUTE_MS);
  }

  get counts() {
    return {
      deferrals: this.#deferrals,
      deferredRequests: this.#courses.size,
      grantedAtFirstRetry: this.#grantedAtFirstRetry,
      grantedByRetryAt: this.#grantedByRetryAt,
      missedRetryAt: this.#missedRetryAt,
      forcedDeferred: this.#forcedDeferred,
      namedMinutes: median(this.#namedMinutes),
      waitedMinutes: median(this.#waitedMinutes),
      refusals: this.#refusals,
      forced: this.#forced,
    };
  }

  #defer({ requestId, decidedMs, retryAtMs = Number.NaN }: DecisionRecord): void {
    this.#deferrals++;
    const course = this.#courses.get(requestId);
    if (course === undefined) {
      const fresh = { deferrals: 1, deferredMs: decidedMs, retryAtMs };
      this.#courses.set(requestId, { ...fresh, missed: false, settled: false });
      return;
    }
    course.deferrals++;
    if (course.missed || decidedMs < course.retryAtMs) return;
    course.missed = true;
    this.#missedRetryAt++;
  }
}

/** Of the two middle ones the upper; zero of none. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
