import { needColumn, PHASE_COUNT, PHASE_END_MINUTES, RESOURCE_COUNT } from "../../core/abi.js";
import type { RestartGrant } from "../policy.js";
import type { Amounts, ReplayInstance } from "../scenario.js";
import type { Program, Surge } from "./surges.js";
import { surgeFactors } from "./surges.js";
import { STEP_MS, type VmUsage } from "./usage-table.js";

export const MINUTE_MS = 60_000;
/** The restart's hour. */
export const WINDOW_MINUTES = PHASE_END_MINUTES[PHASE_COUNT - 1] ?? 60;
const MINUTES_AN_HOUR = 60;

/** The hour after a restart, as it goes. */
export interface RestartWindow {
  readonly restartedMs: number;
  readonly factors: Float32Array;
  /** Resource x phase. */
  readonly granted: readonly number[];
  readonly waitedMinutes: number;
  readonly short: boolean;
  readonly peaks: Float64Array;
  readonly predicted: readonly number[] | undefined;
  /** Minutes in which it wanted more than it was granted, any resource. */
  exceededMinutes: number;
  /** Of these, those in which the node had not as much to spare. */
  throttledMinutes: number;
  /** Minutes in which its node was overloaded. */
  overloadedMinutes: number;
  minutes: number;
  outOfMemory: boolean;
}

/** One instance of the world: up or down, what it wants now, what it would lose. */
export class OutcomeActor {
  readonly instance: ReplayInstance;
  readonly program: Program;
  readonly #used: Float32Array;
  readonly #caps: Amounts;
  nodeId: string;
  /** NaN while it is up. */
  dueMs = Number.NaN;
  downSinceMs = Number.NaN;
  lastInterruptedMs = Number.NaN;
  interruptionCount = 0;
  /** What it wants in this minute; zeros while it is down. */
  readonly demand = new Float64Array(RESOURCE_COUNT);
  window: RestartWindow | null = null;
  predicted: readonly number[] | undefined;
  #checkpointMs: number;
  #coreMinutesAtRisk = 0;

  constructor(
    instance: ReplayInstance,
    program: Program,
    what: { readonly usage: Pick<VmUsage, "used">; readonly startMs: number },
  ) {
    this.instance = instance;
    this.program = program;
    this.#used = what.usage.used;
    const { cores = Number.POSITIVE_INFINITY, memoryGiB = Number.POSITIVE_INFINITY } = instance;
    this.#caps = [cores, memoryGiB, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.nodeId = instance.nodeId;
    this.#checkpointMs = what.startMs;
  }

  get isUp(): boolean {
    return Number.isNaN(this.dueMs);
  }

  /** Work that an interruption would lose now. */
  get atRiskCoreHours(): number {
    return this.#coreMinutesAtRisk / MINUTES_AN_HOUR;
  }

  /** What the trace says of the moment `sinceMs` after the span's begin. */
  baseAt(sinceMs: number, resource: number): number {
    const step = Math.ceil(sinceMs / STEP_MS) - 1;
    return this.#used[step * RESOURCE_COUNT + resource] ?? 0;
  }

  /** Lives through one minute that ends now; true when it ends with a checkpoint. */
  live(nowMs: number, spanFromMs: number): boolean {
    const { demand, window } = this;
    if (!this.isUp) return false;
    const minute = window === null ? -1 : window.minutes;
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      const base = this.baseAt(nowMs - spanFromMs, resource);
      const factor = window?.factors[minute * RESOURCE_COUNT + resource] ?? 1;
      demand[resource] = Math.min(base * factor, Math.max(base, this.#caps[resource] ?? 0));
    }
    if (window !== null) notePeaks(window, demand);
    const every = this.instance.checkpointMinutes * MINUTE_MS;
    if (every === 0) return false;
    if (nowMs - this.#checkpointMs < every) {
      this.#coreMinutesAtRisk += demand[0] ?? 0;
      return false;
    }
    this.#checkpointMs = nowMs;
    this.#coreMinutesAtRisk = 0;
    return true;
  }

  /** Peaks of a restart at this time by the trace and this surge, resource x phase. */
  needAt(sinceMs: number, surge: Surge): number[] {
    const factors = surgeFactors(surge, WINDOW_MINUTES);
    const need = new Array<number>(RESOURCE_COUNT * PHASE_COUNT).fill(0);
    for (let minute = 0; minute < WINDOW_MINUTES; minute++) {
      const phase = phaseOf(minute);
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        const base = this.baseAt(sinceMs + (minute + 1) * MINUTE_MS, resource);
        const wanted = base * (factors[minute * RESOURCE_COUNT + resource] ?? 1);
        const column = needColumn(resource, phase);
        const capped = Math.min(wanted, Math.max(base, this.#caps[resource] ?? 0));
        need[column] = Math.max(need[column] ?? 0, capped);
      }
    }
    return need;
  }

  /** Goes down until `dueMs`; the core-hours that are lost. */
  stop(nowMs: number, dueMs: number, predicted: readonly number[] | undefined): number {
    const lost = this.lose(nowMs);
    this.dueMs = dueMs;
    this.downSinceMs = nowMs;
    this.predicted = predicted;
    this.demand.fill(0);
    this.window = null;
    this.interruptionCount++;
    return lost;
  }

  /** Work since the last checkpoint is gone. */
  lose(nowMs: number): number {
    const lost = this.atRiskCoreHours;
    this.#coreMinutesAtRisk = 0;
    this.#checkpointMs = nowMs;
    return lost;
  }

  restart(nowMs: number, grant: RestartGrant, surge: Surge): void {
    const waitedMinutes = Math.max(0, Math.floor((nowMs - this.dueMs) / MINUTE_MS));
    this.dueMs = Number.NaN;
    this.nodeId = grant.nodeId;
    this.#checkpointMs = nowMs;
    this.window = {
      restartedMs: nowMs,
      factors: surgeFactors(surge, WINDOW_MINUTES),
      granted: [...grant.amounts],
      waitedMinutes,
      short: grant.short,
      peaks: new Float64Array(RESOURCE_COUNT * PHASE_COUNT).fill(Number.NaN),
      predicted: this.predicted,
      exceededMinutes: 0,
      throttledMinutes: 0,
      overloadedMinutes: 0,
      minutes: 0,
      outOfMemory: false,
    };
  }

  /** What the grant holds of a resource in this minute. */
  grantedNow(resource: number): number {
    const { window } = this;
    if (window === null) return 0;
    return window.granted[needColumn(resource, phaseOf(window.minutes))] ?? 0;
  }

  /** More memory than granted: the kernel kills it, once an hour at most; then it is let have it. */
  killOnce(): boolean {
    const { window } = this;
    if (window === null || window.outOfMemory) return false;
    window.outOfMemory = true;
    return true;
  }
}

function phaseOf(minute: number): number {
  const phase = PHASE_END_MINUTES.findIndex((end) => minute < end);
  return phase < 0 ? PHASE_COUNT - 1 : phase;
}

function notePeaks(window: RestartWindow, demand: Float64Array): void {
  const phase = phaseOf(window.minutes);
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const column = needColumn(resource, phase);
    const before = window.peaks[column] ?? Number.NaN;
    const value = demand[resource] ?? 0;
    window.peaks[column] = Number.isNaN(before) ? value : Math.max(before, value);
  }
}
