/**
 * What restarted instances really needed, brought back to the profiler: the envelope that held when
 * an instance went down against the peaks of the hour after it was back. The last of each instance
 * are kept to be looked at.
 */
import type { BaselineName } from "../profiler/predictors/predictors.js";
import type { RestartOutcome, Rung } from "../profiler/profile.js";
import type { Profiler } from "../profiler/profiler.js";
import { RestartTruth } from "../replay/restart-truth.js";
import type { Sample } from "../sources/sample.js";
import { QualityBoard } from "./quality.js";

interface Predicted {
  readonly predicted: readonly number[];
  readonly rung: Rung;
  readonly baseline: readonly number[];
}

export interface KeptOutcome extends RestartOutcome, Predicted {
  readonly rung: Rung;
  /** What `OUTCOME_BASELINE` said at the same moment, 48 numbers. */
  readonly baseline: readonly number[];
}

/** What an operator would set by hand, shown beside; its history is kept for every instance. */
export const OUTCOME_BASELINE: BaselineName = "p95";

const KEPT_MAX = 8;

export class RestartOutcomes {
  readonly #profiler: Profiler;
  readonly #predicted = new Map<string, Predicted>();
  readonly #open = new Map<string, { readonly truth: RestartTruth; readonly before: Predicted }>();
  readonly #kept = new Map<string, KeptOutcome[]>();
  readonly quality = new QualityBoard();

  constructor(profiler: Profiler) {
    this.#profiler = profiler;
  }

  /** An instance goes down: what is predicted now is what will be held against the truth. */
  stopped(instanceId: string, timeMs: number): void {
    this.#finish(instanceId, timeMs);
    const profile = this.#profiler.profile(instanceId, { beside: OUTCOME_BASELINE });
    const { envelope, rung, beside } = profile;
    const baseline = [...(beside?.envelope ?? [])];
    this.#predicted.set(instanceId, { predicted: [...envelope], rung, baseline });
  }

  restarted(instanceId: string, timeMs: number): void {
    const before = this.#predicted.get(instanceId);
    this.#predicted.delete(instanceId);
    if (before === undefined) return;
    this.#open.set(instanceId, { truth: new RestartTruth(timeMs), before });
  }

  add({ instanceId, timeMs, cpuCores, memoryGiB, networkMbps, disk }: Sample): void {
    const open = this.#open.get(instanceId);
    if (open === undefined) return;
    open.truth.add(
      timeMs,
      [cpuCores, memoryGiB, networkMbps, disk].map((value) => value ?? NaN),
    );
  }

  /** Hours that are over go to the profiler. */
  sweep(nowMs: number): void {
    for (const [instanceId, { truth }] of this.#open) {
      if (truth.isOver(nowMs)) this.#finish(instanceId, nowMs);
    }
  }

  forget(instanceId: string): void {
    this.#predicted.delete(instanceId);
    this.#open.delete(instanceId);
    this.#kept.delete(instanceId);
  }

  /** The last restarts of an instance whose hour is over, newest last. */
  of(instanceId: string): readonly KeptOutcome[] {
    return this.#kept.get(instanceId) ?? [];
  }

  /** The newest outcomes of all instances, oldest first. */
  save(countMax: number): readonly KeptOutcome[] {
    const all = [...this.#kept.values()].flat();
    return all.sort((a, b) => a.restartedMs - b.restartedMs).slice(-countMax);
  }

  /** Of instances that are registered still. */
  restore(outcomes: readonly KeptOutcome[]): void {
    for (const outcome of outcomes) {
      if (this.#profiler.has(outcome.instanceId)) this.#show(outcome);
    }
  }

  #finish(instanceId: string, endMs: number): void {
    const open = this.#open.get(instanceId);
    if (open === undefined) return;
    this.#open.delete(instanceId);
    const { truth, before } = open;
    const peaks = truth.peaks(endMs);
    if (peaks.every(Number.isNaN)) return;
    const { predicted, rung } = before;
    const { restartedMs } = truth;
    this.#profiler.outcome({ instanceId, restartedMs, peaks, predicted, rung });
    this.#keep({ instanceId, restartedMs, peaks, ...before });
  }

  #keep(outcome: KeptOutcome): void {
    this.#show(outcome);
    this.quality.add(outcome);
  }

  #show(outcome: KeptOutcome): void {
    const kept = this.#kept.get(outcome.instanceId) ?? [];
    kept.push(outcome);
    if (kept.length > KEPT_MAX) kept.shift();
    this.#kept.set(outcome.instanceId, kept);
  }
}
