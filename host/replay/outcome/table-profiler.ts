import { PHASE_COUNT, QUANTILE_COUNT } from "../../core/abi.js";
import type { Clock } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import type { BehaviourProfile, RestartOutcome } from "../../profiler/profile.js";
import { RestartsUnderWay } from "../../profiler/restarts-under-way.js";
import type { SurgePrior } from "../../profiler/surge.js";
import type { InstanceRegistration } from "../../sources/sample.js";
import type { ReplayProfiler } from "../replay-profiler.js";
import { LearntShifts } from "./learnt-shifts.js";
import { NOTED_OUTAGE_MINUTES, type NotedAnswer, type ProfileTable } from "./profile-table.js";

const ROWS_A_RESOURCE = PHASE_COUNT * QUANTILE_COUNT;

export interface TableProfilerOptions {
  readonly table: ProfileTable;
  readonly clock: Clock;
  /** Whose answers count. */
  readonly predictor: "network" | "vpa";
  readonly surgePrior?: SurgePrior | undefined;
}

interface Tenant {
  readonly registration: InstanceRegistration;
  readonly caps: readonly number[];
  /** What was said when it stopped; null while it runs. */
  stopped: NotedAnswer | null;
  /** The newest answer, and what it was made of. */
  last?: {
    readonly noted: NotedAnswer;
    readonly version: number;
    readonly answer: BehaviourProfile;
  };
}

/**
 * A profiler whose forecasts were computed before, and which learns from restarts as the real one
 * does: the offsets that all restarts share, those of the job type, and its surge. What restarts
 * do to the network's own state is not in it. VPA learns nothing from restarts, as in a cluster.
 */
export class TableProfiler implements ReplayProfiler {
  readonly #options: TableProfilerOptions;
  readonly #tenants = new Map<string, Tenant>();
  readonly #learnt: LearntShifts;
  readonly #underWay = new RestartsUnderWay<string>();

  constructor(options: TableProfilerOptions) {
    this.#options = options;
    this.#learnt = new LearntShifts(options.surgePrior);
  }

  register(registration: InstanceRegistration): void {
    const { instanceId, limits } = registration;
    const caps = [limits?.cpu ?? Infinity, limits?.memory ?? Infinity, Infinity, Infinity];
    this.#tenants.set(instanceId, { registration, caps, stopped: null });
  }

  has(instanceId: string): boolean {
    return this.#tenants.has(instanceId);
  }

  offer(): "accepted" {
    return "accepted";
  }

  async tick(): Promise<void> {}

  profile(instanceId: string): BehaviourProfile {
    const { table, clock } = this.#options;
    const tenant = this.#tenants.get(instanceId);
    if (tenant === undefined) {
      const got = instanceId;
      throw new RepriseError("ERR_UNKNOWN_ID", "no such instance", { field: "instanceId", got });
    }
    const noted = tenant.stopped ?? table.at(instanceId, clock.nowMs());
    const { version } = this.#learnt;
    const { last } = tenant;
    if (last?.noted === noted && last.version === version) return last.answer;
    const answer = this.#answer(tenant, noted);
    tenant.last = { noted, version, answer };
    return answer;
  }

  stopped(instanceId: string, timeMs: number): void {
    const tenant = this.#tenants.get(instanceId);
    if (tenant !== undefined) tenant.stopped = this.#options.table.at(instanceId, timeMs);
    this.#underWay.cancel(instanceId);
  }

  restarted(instanceId: string): void {
    const tenant = this.#tenants.get(instanceId);
    if (tenant !== undefined) tenant.stopped = null;
    this.#underWay.begin(instanceId);
  }

  outcome(outcome: RestartOutcome): void {
    const { table, predictor } = this.#options;
    const tenant = this.#tenants.get(outcome.instanceId);
    if (tenant === undefined || predictor === "vpa") return;
    const answer = table.at(outcome.instanceId, outcome.restartedMs);
    const factor = this.#underWay.stepOf(outcome.instanceId);
    this.#underWay.heard(outcome.instanceId);
    this.#learnt.learn(tenant.registration.jobType, outcome, { answer, factor });
  }

  async close(): Promise<void> {}

  #answer(tenant: Tenant, noted: NotedAnswer): BehaviourProfile {
    const { table, predictor, clock } = this.#options;
    const { instanceId, jobType } = tenant.registration;
    const isVpa = predictor === "vpa";
    const envelope = isVpa
      ? flat(noted.vpa, ROWS_A_RESOURCE)
      : capped(this.#learnt.apply(jobType, noted.envelope, noted.scale), tenant.caps);
    const peak = (resource: number, quantile: number): number => {
      const row = resource * ROWS_A_RESOURCE + quantile;
      return Math.max(...[0, 1, 2].map((phase) => envelope[row + phase * QUANTILE_COUNT] ?? 0));
    };
    return {
      instanceId,
      predictedCpuCores: peak(0, 2),
      predictedMemoryGiB: peak(1, 3),
      predictedNetworkMbps: peak(2, 2),
      predictedDiskIops: peak(3, 2),
      lastUpdatedMs: clock.nowMs(),
      envelope,
      keepNeed: isVpa ? flat(noted.vpa, QUANTILE_COUNT) : noted.keepNeed,
      outageMinutes: NOTED_OUTAGE_MINUTES,
      rung: isVpa ? 2 : 0,
      modelVersion: isVpa ? "vpa" : table.modelVersion,
      samplesInIncarnation: 1,
      incarnation: 1,
      trackerCount: this.#learnt.trackerCount,
    };
  }
}

/** Nobody needs more than its limit. */
function capped(envelope: Float64Array, caps: readonly number[]): Float64Array {
  return envelope.map((value, row) =>
    Math.min(value, caps[Math.floor(row / ROWS_A_RESOURCE)] ?? Infinity),
  );
}

/** One amount a resource, in all of its rows. */
function flat(amounts: Float64Array, rows: number): Float64Array {
  return Float64Array.from(
    { length: amounts.length * rows },
    (_, row) => amounts[Math.floor(row / rows)] ?? 0,
  );
}
