/**
 * What restarted instances really needed, brought back to the profiler: the envelope that held when
 * an instance went down against the peaks of the hour after it was back.
 */
import type { RestartOutcome } from "../profiler/profile.js";
import type { Profiler } from "../profiler/profiler.js";
import { RestartTruth } from "../replay/restart-truth.js";
import type { Sample } from "../sources/sample.js";

type Predicted = Pick<RestartOutcome, "predicted" | "rung">;

export class RestartOutcomes {
  readonly #profiler: Profiler;
  readonly #predicted = new Map<string, Predicted>();
  readonly #open = new Map<string, { readonly truth: RestartTruth; readonly before: Predicted }>();

  constructor(profiler: Profiler) {
    this.#profiler = profiler;
  }

  /** An instance goes down: what is predicted now is what will be held against the truth. */
  stopped(instanceId: string, timeMs: number): void {
    this.#finish(instanceId, timeMs);
    const { envelope, rung } = this.#profiler.profile(instanceId);
    this.#predicted.set(instanceId, { predicted: [...envelope], rung });
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
  }

  #finish(instanceId: string, endMs: number): void {
    const open = this.#open.get(instanceId);
    if (open === undefined) return;
    this.#open.delete(instanceId);
    const { truth, before } = open;
    const peaks = truth.peaks(endMs);
    if (peaks.every(Number.isNaN)) return;
    this.#profiler.outcome({ instanceId, restartedMs: truth.restartedMs, peaks, ...before });
  }
}
