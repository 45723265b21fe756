import { existsSync } from "node:fs";
import { Piscina } from "piscina";
import { type Clock, SystemClock, sleep } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import type { SampleSource, SourceEvent } from "../sample.js";
import type { LookTask } from "./host-worker.js";
import { findCgroupRoot } from "./mounts.js";
import { checkHostRules, type HostRule } from "./rules.js";
import type { LookResult, ScannerOptions } from "./scanner.js";
import type { DiskUnit } from "./track.js";

export interface HostSourceOptions {
  readonly nodeId: string;
  readonly rules: readonly HostRule[];
  /** Between two samples of an instance, 1 to 60 s; default 10. */
  readonly intervalSeconds?: number;
  /** Of the deployment; that of the shipped weights, MB/s, when absent. */
  readonly diskUnit?: DiskUnit;
  /** Where cgroup v2 is mounted; found when absent. */
  readonly cgroupRoot?: string;
  readonly procRoot?: string;
  readonly clock?: Clock;
  /** Called beside each look, for what is measured of the machine as a whole. */
  readonly onLook?: () => Promise<void>;
}

const INTERVAL_SECONDS_DEFAULT = 10;
const GLANCE_MS = 1_000;
const FORGET_MS = 24 * 3_600_000;
/** A machine that takes longer for one look is not one that can be watched. */
const LOOK_MS_MAX = 60_000;
const WORKER_URL = new URL("./host-worker.js", import.meta.url);

/**
 * This machine, live: cgroup v2 groups and process trees as instances, read on a thread of its own.
 * Without end until `close`; one iteration at a time.
 */
export class HostSource implements SampleSource {
  readonly name = "host";
  readonly dropped = new Map<string, number>();
  readonly intervalMs: number;
  readonly #clock: Clock;
  readonly #pool: Piscina<LookTask, LookResult | undefined>;
  readonly #onLook: (() => Promise<void>) | undefined;
  #instanceCount = 0;
  #isFinishing = false;
  #closed = false;
  #wake: (() => void) | undefined;

  /** @throws ERR_CONFIG naming the rule and field, or that a rule needs cgroup v2 and there is none */
  constructor(options: HostSourceOptions) {
    checkHostRules(options.rules);
    this.intervalMs = checkInterval(options.intervalSeconds ?? INTERVAL_SECONDS_DEFAULT) * 1000;
    this.#clock = options.clock ?? new SystemClock();
    this.#onLook = options.onLook;
    const setup: ScannerOptions = {
      nodeId: options.nodeId,
      rules: options.rules,
      diskUnit: options.diskUnit ?? "MB/s",
      cgroupRoot: options.cgroupRoot ?? rootFor(options.rules),
      procRoot: options.procRoot ?? "/proc",
      forgetMs: FORGET_MS,
    };
    this.#pool = new Piscina<LookTask, LookResult | undefined>({
      filename: WORKER_URL.href,
      name: "default",
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: 4,
      concurrentTasksPerWorker: 1,
      atomics: "sync",
      workerData: setup,
      recordTiming: false,
    });
    // A thread that cannot start is told by the task that waited for it.
    this.#pool.on("error", () => {});
  }

  /** Instances at the last look. */
  get instanceCount(): number {
    return this.#instanceCount;
  }

  /** @throws ERR_WORKER_LOST when the thread died or took too long */
  async *[Symbol.asyncIterator](): AsyncGenerator<SourceEvent> {
    let nextLookMs = this.#clock.nowMs();
    while (!this.#closed) {
      const isLast = this.#isFinishing;
      const [events] = await Promise.all([this.look(), this.#onLook?.()]);
      yield* events;
      if (isLast) return;
      nextLookMs = Math.max(nextLookMs + this.intervalMs, this.#clock.nowMs());
      await this.#glanceUntil(nextLookMs);
    }
  }

  /** One look now. @throws ERR_WORKER_LOST, ERR_SHUTTING_DOWN */
  async look(): Promise<readonly SourceEvent[]> {
    const result = await this.#run("look");
    this.#instanceCount = result?.instanceCount ?? 0;
    return result?.events ?? [];
  }

  /** The iteration ends after one look more, which is taken at once. */
  finish(): void {
    this.#isFinishing = true;
    this.#wake?.();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake?.();
    await this.#pool.close({ force: false });
  }

  async #glanceUntil(lookMs: number): Promise<void> {
    for (;;) {
      const leftMs = lookMs - this.#clock.nowMs();
      if (leftMs <= 0 || this.#closed || this.#isFinishing) return;
      const isLast = leftMs < GLANCE_MS * 1.5;
      await this.#pause(isLast ? leftMs : GLANCE_MS);
      if (isLast || this.#closed || this.#isFinishing) return;
      await this.#run("glance");
    }
  }

  #pause(milliseconds: number): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return Promise.race([sleep(milliseconds), woken]);
  }

  async #run(kind: LookTask["kind"]): Promise<LookResult | undefined> {
    if (this.#closed) throw new RepriseError("ERR_SHUTTING_DOWN", "the source is closed");
    const signal = AbortSignal.timeout(LOOK_MS_MAX);
    try {
      return await this.#pool.run({ kind, timeMs: this.#clock.nowMs() }, { signal });
    } catch (cause) {
      throw new RepriseError("ERR_WORKER_LOST", `no ${kind} at this machine came back`, {}, cause);
    }
  }
}

function checkInterval(seconds: number): number {
  if (seconds >= 1 && seconds <= 60) return seconds;
  throw new RepriseError("ERR_CONFIG", "the machine cannot be watched at this pace", {
    field: "intervalSeconds",
    got: seconds,
    expected: "1 to 60",
  });
}

/** @throws ERR_CONFIG when groups are asked for and there is no cgroup v2 */
function rootFor(rules: readonly HostRule[]): string {
  const root = findCgroupRoot();
  if (root !== undefined && existsSync(root)) return root;
  if (!rules.some(({ kind }) => kind === "cgroup")) return "";
  throw new RepriseError("ERR_CONFIG", "a rule chooses cgroup v2 groups", {
    field: "rules",
    got: "no cgroup2 in /proc/self/mounts",
    expected: "a mounted cgroup v2, or rules of kind tree",
  });
}
