import { RESOURCE_COUNT } from "../core/abi.js";
import type { BitbrainsRow } from "../sources/bitbrains/row.js";
import type { RestartGrant } from "./policy.js";
import { RestartTruth } from "./restart-truth.js";
import type { ReplayInstance } from "./scenario.js";
import { TraceCursor, usageOf } from "./trace-cursor.js";

const SECONDS_AN_HOUR = 3600;
const MINUTE_MS = 60_000;
/** A longer silence is a hole in the trace, not one long sample. */
const SAMPLE_SECONDS_MAX = 600;

/** A finished comparison of grant and need. */
export interface FinishedRestart {
  readonly restartedMs: number;
  readonly granted: readonly number[];
  readonly short: boolean;
  readonly peaks: readonly number[];
  readonly predicted: readonly number[] | undefined;
}

/** One instance as the world sees it: up or down, what it uses, what it would lose. */
export class Actor {
  readonly instance: ReplayInstance;
  readonly cursor: TraceCursor;
  nodeId: string;
  /** NaN while it is up. */
  dueMs = Number.NaN;
  lastInterruptedMs = Number.NaN;
  interruptionCount = 0;
  usage: readonly number[] = new Array<number>(RESOURCE_COUNT).fill(0);
  #predicted: readonly number[] | undefined;
  #truth: RestartTruth | null = null;
  #granted: readonly number[] = [];
  #short = false;
  #lastSampleMs = Number.NaN;
  #checkpointMs: number;
  #coreSecondsAtRisk = 0;

  constructor(instance: ReplayInstance, startMs: number) {
    this.instance = instance;
    this.cursor = new TraceCursor(instance.instanceId, instance.file, startMs);
    this.nodeId = instance.nodeId;
    this.#checkpointMs = startMs;
  }

  get isUp(): boolean {
    return Number.isNaN(this.dueMs);
  }

  /** A line of its trace while it is up. */
  use(row: BitbrainsRow): void {
    this.usage = usageOf(row).map((value) => (Number.isNaN(value) ? 0 : value));
    if (row.on) this.#truth?.add(row.timeMs, usageOf(row));
    const seconds = (row.timeMs - this.#lastSampleMs) / 1000;
    this.#lastSampleMs = row.timeMs;
    const every = this.instance.checkpointMinutes * MINUTE_MS;
    if (every === 0) return;
    if (row.timeMs - this.#checkpointMs >= every) {
      this.#checkpointMs = row.timeMs;
      this.#coreSecondsAtRisk = 0;
    } else if (seconds > 0) {
      this.#coreSecondsAtRisk += Math.min(seconds, SAMPLE_SECONDS_MAX) * (this.usage[0] ?? 0);
    }
  }

  /** Goes down until `dueMs`; the core-hours that are lost. */
  stop(dueMs: number, predicted: readonly number[] | undefined): number {
    this.dueMs = dueMs;
    this.#predicted = predicted;
    this.usage = this.usage.map(() => 0);
    const lost = this.#coreSecondsAtRisk / SECONDS_AN_HOUR;
    this.#coreSecondsAtRisk = 0;
    return lost;
  }

  restart(nowMs: number, grant: RestartGrant): void {
    this.dueMs = Number.NaN;
    this.nodeId = grant.nodeId;
    this.#truth = new RestartTruth(nowMs);
    this.#granted = grant.amounts;
    this.#short = grant.short;
    this.#checkpointMs = nowMs;
    this.#lastSampleMs = nowMs;
  }

  /** The restart whose hour is over, or was cut short by an interruption now. */
  finish(nowMs: number, cut: boolean): FinishedRestart | null {
    const truth = this.#truth;
    if (truth === null || !(cut || truth.isOver(nowMs))) return null;
    this.#truth = null;
    return {
      restartedMs: truth.restartedMs,
      granted: this.#granted,
      short: this.#short,
      peaks: truth.peaks(nowMs),
      predicted: this.#predicted,
    };
  }
}
