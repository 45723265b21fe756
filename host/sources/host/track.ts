import type { InstanceRegistration, Sample, SourceEvent } from "../sample.js";
import type { Reading } from "./reading.js";

const GIB = 2 ** 30;

export type DiskUnit = "MB/s" | "operations/s";

/** When and how one looked. */
export interface Moment {
  readonly timeMs: number;
  readonly diskUnit: DiskUnit;
  /** How long ago something started, seconds. */
  readonly ageSeconds: (startTicks: number) => number;
}

interface Look {
  readonly timeMs: number;
  readonly reading: Reading;
}

/** CPU time at a moment within the interval. */
interface Glance {
  readonly timeMs: number;
  readonly cpuSeconds: number;
}

/**
 * One job over all its lives: turns looks into samples and recognises where one life ends and the
 * next begins. A life goes on while at least one process that was there is still there.
 */
export class InstanceTrack {
  registration: InstanceRegistration;
  /** When it was last there. */
  lastSeenMs = 0;
  /** The last look, found or not: what is told later is later than that. */
  #lookMs = 0;
  #last: Look | undefined;
  #isUp = false;
  #hasHistory = false;
  #launchedMs = 0;
  #glance: Glance | undefined;
  #peakCores = Number.NaN;

  constructor(registration: InstanceRegistration) {
    this.registration = registration;
  }

  /** Processes of the last look. */
  get pids(): Iterable<number> {
    return this.#last?.reading.processes.keys() ?? [];
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** CPU time between two looks, so that a short peak does not vanish in the mean. */
  glance(cpuSeconds: number, timeMs: number): void {
    const before = this.#glance;
    this.#glance = { timeMs, cpuSeconds };
    if (before === undefined || timeMs <= before.timeMs || cpuSeconds < before.cpuSeconds) return;
    const cores = (cpuSeconds - before.cpuSeconds) / ((timeMs - before.timeMs) / 1000);
    if (!(this.#peakCores >= cores)) this.#peakCores = cores;
  }

  /** Events of a look, in the order in which they happened; the first look begins without a stop. */
  see(reading: Reading, moment: Moment): SourceEvent[] {
    this.lastSeenMs = moment.timeMs;
    const isAlive = reading.processes.size > 0;
    const events = isAlive ? this.#alive(reading, moment) : this.#idle(reading, moment);
    this.#last = { timeMs: moment.timeMs, reading };
    this.#lookMs = moment.timeMs;
    return events;
  }

  /** Neither group nor process is there any more. */
  gone(timeMs: number): SourceEvent[] {
    const events = this.#isUp ? [this.#stop(timeMs, "unknown")] : [];
    this.#last = undefined;
    this.#lookMs = timeMs;
    this.#isUp = false;
    this.#forgetGlances();
    return events;
  }

  #idle(reading: Reading, moment: Moment): SourceEvent[] {
    const before = this.#last;
    const { timeMs } = moment;
    if (this.#isUp) {
      this.#isUp = false;
      const cause = hasRisen(before?.reading.oomKills, reading.oomKills) ? "failed" : "unknown";
      return [this.#stop(timeMs, cause)];
    }
    // It used CPU although nobody was there at either look: a whole life in between.
    if (before === undefined || !hasRisen(before.reading.cpuSeconds, reading.cpuSeconds)) return [];
    if (timeMs <= before.timeMs + 1) return [];
    this.#launchedMs = before.timeMs + 1;
    const sample = this.#sample(reading, moment, before);
    const cause = hasRisen(before.reading.oomKills, reading.oomKills) ? "failed" : "finished";
    return [
      { kind: "restarted", instanceId: this.#id, timeMs: this.#launchedMs },
      { kind: "sample", sample },
      this.#stop(timeMs, cause),
    ];
  }

  #alive(reading: Reading, moment: Moment): SourceEvent[] {
    const events: SourceEvent[] = [];
    const before = this.#last;
    const isNew = before === undefined || !sharesProcess(before.reading, reading);
    if (!isNew && this.#isUp) {
      events.push({ kind: "sample", sample: this.#sample(reading, moment, before) });
      return events;
    }
    // The clock of starts has steps of 10 ms: never before what was seen last.
    this.#launchedMs = Math.min(
      Math.max(launchOf(reading, moment), this.#lookMs + 1),
      moment.timeMs - 1,
    );
    if (this.#isUp) {
      const cause = hasRisen(before?.reading.oomKills, reading.oomKills) ? "failed" : "unknown";
      events.push(this.#stop(this.#launchedMs, cause));
    }
    if (this.#hasHistory) {
      events.push({ kind: "restarted", instanceId: this.#id, timeMs: this.#launchedMs });
    }
    this.#isUp = true;
    this.#hasHistory = true;
    this.#forgetGlances();
    events.push({ kind: "sample", sample: this.#firstSample(reading, moment) });
    return events;
  }

  get #id(): string {
    return this.registration.instanceId;
  }

  #stop(timeMs: number, cause: "failed" | "finished" | "unknown"): SourceEvent {
    this.#forgetGlances();
    return { kind: "stopped", instanceId: this.#id, timeMs, cause };
  }

  #forgetGlances(): void {
    this.#glance = undefined;
    this.#peakCores = Number.NaN;
  }

  /** Of a life that began since the last look: its own processes tell what it used so far. */
  #firstSample(reading: Reading, moment: Moment): Sample {
    const seconds = (moment.timeMs - this.#launchedMs) / 1000;
    const isFresh = seconds <= FIRST_SECONDS_MAX;
    const rates = isFresh
      ? { cpu: reading.lifeCpuSeconds / seconds, disk: reading.lifeDiskBytes / seconds / 1e6 }
      : { cpu: Number.NaN, disk: Number.NaN };
    const disk = moment.diskUnit === "MB/s" ? rates.disk : Number.NaN;
    this.#glance = { timeMs: moment.timeMs, cpuSeconds: reading.cpuSeconds };
    return withKnown({ instanceId: this.#id, timeMs: moment.timeMs }, [
      ["cpuCores", rates.cpu],
      ["disk", disk],
      ...levelsOf(reading),
      ["sinceLaunchSeconds", seconds],
    ]);
  }

  #sample(reading: Reading, moment: Moment, before: Look): Sample {
    const { timeMs } = moment;
    const seconds = (timeMs - before.timeMs) / 1000;
    this.glance(reading.cpuSeconds, timeMs);
    const rate = (counter: (of: Reading) => number) =>
      rise(counter(before.reading), counter(reading)) / seconds;
    const cpu = rate((of) => of.cpuSeconds);
    const peak = this.#peakCores;
    this.#peakCores = Number.NaN;
    return withKnown({ instanceId: this.#id, timeMs }, [
      ["cpuCores", cpu],
      ["cpuPeakCores", Math.max(cpu, Number.isNaN(peak) ? cpu : peak)],
      ...levelsOf(reading),
      ["networkMbps", (rate((of) => of.networkBytes) * 8) / 1e6],
      ["disk", moment.diskUnit === "MB/s" ? rate(diskBytes) / 1e6 : rate(diskOperations)],
      ["sinceLaunchSeconds", (timeMs - this.#launchedMs) / 1000],
      [
        "cpuPressure",
        Math.min(
          1,
          rate((of) => of.cpuStallSeconds),
        ),
      ],
      [
        "memoryPressure",
        Math.min(
          1,
          rate((of) => of.memoryStallSeconds),
        ),
      ],
      [
        "ioPressure",
        Math.min(
          1,
          rate((of) => of.ioStallSeconds),
        ),
      ],
      ["oomKills", rise(before.reading.oomKills, reading.oomKills)],
    ]);
  }
}

/** A life first seen later than this after its launch began before anybody looked. */
const FIRST_SECONDS_MAX = 120;

const diskBytes = (of: Reading) => of.diskBytes;
const diskOperations = (of: Reading) => of.diskOperations;

function levelsOf(reading: Reading): [keyof Sample, number][] {
  return [
    ["memoryGiB", reading.anonBytes / GIB],
    ["footprintGiB", reading.footprintBytes / GIB],
    ["connections", reading.connections],
  ];
}

/** Absent is missing: what is not known is left out. */
function withKnown(sample: Sample, values: readonly [keyof Sample, number][]): Sample {
  const known = values.filter(([, value]) => Number.isFinite(value) && value >= 0);
  return { ...sample, ...Object.fromEntries(known) };
}

/** A counter that fell belongs to fewer processes than before: nothing is known, not less than 0. */
function rise(before: number, now: number): number {
  return now >= before ? now - before : Number.NaN;
}

function hasRisen(before: number | undefined, now: number): boolean {
  return before !== undefined && now > before;
}

function launchOf({ processes }: Reading, { timeMs, ageSeconds }: Moment): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const start of processes.values()) oldest = Math.min(oldest, start);
  return timeMs - Math.max(0, ageSeconds(oldest)) * 1000;
}

function sharesProcess(before: Reading, now: Reading): boolean {
  for (const [pid, start] of now.processes) if (before.processes.get(pid) === start) return true;
  return false;
}
