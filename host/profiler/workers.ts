import type { Worker } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { NetworkRegions } from "../core/network.js";
import type { ProfilerPlan } from "../core/plan.js";
import { RepriseError } from "../lib/errors.js";
import type { Refresh } from "./profiler-options.js";

/** One worker's part in a tick. Integers only: everything else lies in the shared memory. */
export interface TickTask {
  readonly tick: number;
  /** Number of the first slice that it looks at; it goes on until the host says that no more come. */
  readonly from: number;
  /** The scratch block that this task owns while it runs. */
  readonly scratchIndex: number;
}

/** What whoever starts tasks knows of their work. */
export interface TaskWatch {
  /** Factor on the deadline: a repeat on a busy machine is given more time. */
  readonly patience: number;
  /** Changes whenever something is done; NaN while there is nothing to do. */
  readonly progress: () => number;
  /** One of the tasks failed: the others are to end. */
  readonly onLost: () => void;
}

/** What every worker is opened with. */
export interface WorkerSetup {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly plan: ProfilerPlan;
  /** Where the packed network lies; null without one. */
  readonly network: NetworkRegions | null;
  readonly refresh: Refresh;
}

/**
 * Where a tick's tasks run, one call at a time. `run` settles only when no task of it can touch the
 * memory any more, also when a worker was lost; what the lost one left undone is seen in the work
 * table.
 */
export interface Workers {
  readonly threadCount: number;
  /** @returns the reasons of tasks that did not end well; empty when all did */
  run(tasks: readonly TickTask[], watch: TaskWatch): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

export interface PiscinaWorkersOptions {
  readonly threadCount: number;
  readonly setup: WorkerSetup;
  /** Workers that get nothing done for longer than this are lost and replaced. */
  readonly taskMsMax: number;
  /** The compiled worker entry; only tests name another one. */
  readonly workerUrl?: URL;
}

const WORKER_URL = new URL("./tick-worker.js", import.meta.url);
const CLOSE_MS_MAX = 10_000;

/** Worker threads over one shared memory. A thread that dies is replaced by the pool. */
export class PiscinaWorkers implements Workers {
  readonly threadCount: number;
  readonly #options: PiscinaWorkersOptions;
  #pool: Piscina<TickTask, number> | undefined;
  readonly #taskMsMax: number;
  /** What the pool reported of threads without a task: one that could not start, or died idle. */
  #idleFailures: unknown[] = [];
  /** Of the call under way. */
  #call: AbortController | undefined;
  /** Every thread that may have had a task and was not seen to be gone. */
  readonly #threads = new Set<Worker>();

  constructor(options: PiscinaWorkersOptions) {
    this.threadCount = options.threadCount;
    this.#taskMsMax = options.taskMsMax;
    this.#options = options;
  }

  /**
   * The threads start with the first tick, and their package is loaded then: whoever opens a profiler
   * need not wait for either.
   */
  async #open(options: PiscinaWorkersOptions): Promise<Piscina<TickTask, number>> {
    const { threadCount, workerUrl, setup } = options;
    const { Piscina } = await import("piscina");
    const pool = new Piscina<TickTask, number>({
      filename: (workerUrl ?? WORKER_URL).href,
      name: "default",
      minThreads: threadCount,
      maxThreads: threadCount,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: threadCount * 4,
      concurrentTasksPerWorker: 1,
      atomics: "sync",
      workerData: setup,
      niceIncrement: 0,
      trackUnmanagedFds: false,
      closeTimeout: CLOSE_MS_MAX,
      recordTiming: false,
      stricterFIFO: true,
      workerHistogram: false,
    });
    // Reported before a thread gets its first task.
    pool.on("workerCreate", () => {
      for (const thread of pool.threads) this.#threads.add(thread);
    });
    pool.on("error", (error: unknown) => {
      this.#idleFailures.push(error);
      // Nobody is left to take the tasks: waiting for the deadline would not change that.
      if (pool.threads.length > 0) return;
      this.#call?.abort(error);
    });
    return pool;
  }

  async run(tasks: readonly TickTask[], watch: TaskWatch): Promise<readonly unknown[]> {
    this.#pool ??= await this.#open(this.#options);
    const pool = this.#pool;
    const call = new AbortController();
    this.#call = call;
    this.#await(call, watch);
    const runTask = async (task: TickTask) => {
      try {
        await pool.run(task, { signal: call.signal });
      } catch (error) {
        watch.onLost();
        throw error;
      }
    };
    const settled = await Promise.allSettled(tasks.map(runTask));
    this.#call = undefined;
    const failures = this.#idleFailures;
    this.#idleFailures = [];
    let lost = false;
    for (const outcome of settled) {
      if (outcome.status === "fulfilled") continue;
      failures.push(outcome.reason);
      lost = true;
    }
    if (lost) await this.#awaitGone();
    return lost ? failures : [];
  }

  /** Ends the call when a whole period passes without anything done. */
  #await(call: AbortController, watch: TaskWatch): void {
    const before = watch.progress();
    const deadline = AbortSignal.timeout(this.#taskMsMax * watch.patience);
    const onAbort = () => {
      if (this.#call !== call) return;
      if (watch.progress() === before) call.abort(deadline.reason);
      else this.#await(call, watch);
    };
    deadline.addEventListener("abort", onAbort, { once: true });
  }

  async close(): Promise<void> {
    await this.#pool?.close({ force: false });
  }

  /** A thread that the pool gave up may still run: it must be gone before its tiles are restored. */
  async #awaitGone(): Promise<void> {
    const kept = new Set(this.#pool?.threads);
    for (const thread of [...this.#threads].filter((each) => !kept.has(each))) {
      await thread.terminate();
      this.#threads.delete(thread);
    }
  }
}

/** Runs the tasks on the calling thread, one after another: no threads, same bits. */
export class InlineWorkers implements Workers {
  readonly threadCount = 0;
  readonly #runTask: (task: TickTask) => number;

  constructor(runTask: (task: TickTask) => number) {
    this.#runTask = runTask;
  }

  async run(tasks: readonly TickTask[]): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    for (const task of tasks) {
      try {
        this.#runTask(task);
      } catch (cause) {
        failures.push(cause);
      }
    }
    return failures;
  }

  async close(): Promise<void> {}
}

/** The typed error of a tick that could not be finished. */
export function workerLost(failures: readonly unknown[], undone: number): RepriseError {
  const first = failures[0];
  const code =
    first instanceof RepriseError && first.code === "ERR_KERNEL_TRAP"
      ? "ERR_KERNEL_TRAP"
      : "ERR_WORKER_LOST";
  const reason = first instanceof Error ? first.message : "no reason given";
  return new RepriseError(
    code,
    `the tick made no progress on ${undone} tiles: ${reason}`,
    { got: failures.length, expected: "0 failed tasks" },
    first,
  );
}
