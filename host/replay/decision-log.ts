import type { DecisionRecord } from "../ledger/records.js";

interface Course {
  deferrals: number;
  /** When the first deferral said that it will succeed. */
  retryAtMs: number;
  settled: boolean;
}

/** Follows requests from their first deferral to their end. */
export class DecisionLog {
  readonly #courses = new Map<string, Course>();
  #deferrals = 0;
  #grantedAtFirstRetry = 0;
  #refusals = 0;
  #forced = 0;

  add(decision: DecisionRecord): void {
    const { requestId, kind, reasons } = decision;
    const course = this.#courses.get(requestId);
    if (kind === "defer") {
      this.#deferrals++;
      if (course !== undefined) course.deferrals++;
      else {
        const retryAtMs = decision.retryAtMs ?? Number.NaN;
        this.#courses.set(requestId, { deferrals: 1, retryAtMs, settled: false });
      }
      return;
    }
    if (kind === "refuse") this.#refusals++;
    const forced = reasons.some((reason) => reason.code === "FORCED_SHORTFALL");
    if (forced) this.#forced++;
    if (course === undefined || course.settled) return;
    course.settled = true;
    // A request that was forced through did not succeed; its deadline did.
    if (kind === "proceed" && !forced && course.deferrals === 1) this.#grantedAtFirstRetry++;
  }

  get counts() {
    return {
      deferrals: this.#deferrals,
      deferredRequests: this.#courses.size,
      grantedAtFirstRetry: this.#grantedAtFirstRetry,
      refusals: this.#refusals,
      forced: this.#forced,
    };
  }
}
