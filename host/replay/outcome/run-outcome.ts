import { Piscina } from "piscina";
import { elapsedMs } from "../../lib/clock.js";
import type { OnProgress } from "../run-replay.js";
import { type InputOptions, type OutcomeInput, openInput } from "./outcome-input.js";
import type { OutcomePolicyName } from "./outcome-policies.js";
import type { OutcomeRun, RunTask } from "./outcome-run.js";
import type { RunShare } from "./outcome-worker.js";
import { RunPlayer } from "./play-run.js";
import { RunStore } from "./run-store.js";

export interface OutcomeOptions extends InputOptions {
  /** The first one; the others follow it. */
  readonly seed: number;
  readonly seeds: number;
  readonly nodeCount: number;
  readonly policies: readonly OutcomePolicyName[];
  /** Compare this many plans of each run with the exact optimum. */
  readonly plansJudged: number;
  /** Threads that play runs; 0 plays on the calling one. */
  readonly jobs: number;
  /** Keeps each run here as soon as it was played. */
  readonly runFolder?: string;
  /** Takes runs from there that were played under the same conditions. */
  readonly resume?: boolean;
}

export interface OutcomeResult {
  readonly runs: readonly OutcomeRun[];
  readonly vms: number;
  readonly nodes: number;
  readonly losses: number;
  readonly planned: number;
  readonly from: string;
  readonly to: string;
  readonly capacity: string;
  readonly modelVersion: string;
  readonly bundled: boolean;
  /** Usage and forecasts: made or read. */
  readonly inputSeconds: number;
  /** Runs taken from disk. */
  readonly resumed: number;
}

const WORKER_URL = new URL("./outcome-worker.js", import.meta.url);

/**
 * Plays every policy in every seed's world. Usage is read and profiled once: neither depends on the
 * seed nor on the policy. The figures do not depend on `jobs`.
 *
 * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT, ERR_WEIGHTS_FORMAT
 */
export async function runOutcome(
  options: OutcomeOptions,
  onProgress: OnProgress = () => {},
): Promise<OutcomeResult> {
  const beganMs = elapsedMs();
  const input = await openInput(options, onProgress);
  const inputSeconds = (elapsedMs() - beganMs) / 1000;
  const { span, surveys, profiles, bundled } = input;
  const tasks = tasksOf(options);
  const store = storeOf(options, input);
  const kept = tasks.map((task) => store?.read(task) ?? null);
  const open = tasks.filter((_, index) => kept[index] === null);
  const played = await playAll(open, { input, options, store, onProgress });
  const runs = kept.map((run) => run ?? played.shift()).filter((run) => run !== undefined);
  const worlds = runs.filter(({ policy }) => policy === options.policies[0]);
  return {
    runs,
    vms: surveys.length,
    nodes: options.nodeCount,
    losses: worlds.reduce((sum, { losses }) => sum + losses, 0),
    planned: worlds.reduce((sum, { planned }) => sum + planned, 0),
    from: new Date(span.noteFromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    capacity: options.capacity,
    modelVersion: profiles.modelVersion,
    bundled,
    inputSeconds,
    resumed: tasks.length - open.length,
  };
}

/** Seed by seed, so that a thread plans a world once for several policies. */
function tasksOf({ seed, seeds, policies, nodeCount, plansJudged }: OutcomeOptions): RunTask[] {
  return Array.from({ length: seeds }, (_, index) => seed + index).flatMap((each) =>
    policies.map((policy) => ({ policy, seed: each, nodeCount, plansJudged })),
  );
}

function storeOf(options: OutcomeOptions, input: OutcomeInput): RunStore | null {
  const { runFolder, resume = false, capacity, data = "bundled" } = options;
  if (runFolder === undefined) return null;
  const { span, profiles } = input;
  const conditions = { data, capacity, span, modelVersion: profiles.modelVersion };
  return new RunStore(runFolder, JSON.stringify(conditions), resume);
}

interface PlayParts {
  readonly input: OutcomeInput;
  readonly options: OutcomeOptions;
  readonly store: RunStore | null;
  readonly onProgress: OnProgress;
}

async function playAll(tasks: readonly RunTask[], parts: PlayParts): Promise<OutcomeRun[]> {
  if (tasks.length === 0) return [];
  const { input, options, store } = parts;
  const onShare = shareOfAll(tasks, parts.onProgress);
  const threads = Math.min(options.jobs, tasks.length);
  if (threads > 0) return playOnThreads(tasks, { ...parts, threads, onShare });
  const player = new RunPlayer(input);
  const runs: OutcomeRun[] = [];
  for (const task of tasks) {
    const run = await player.play(task, (done) => onShare({ ...task, done }));
    store?.write(task, run);
    runs.push(run);
  }
  return runs;
}

async function playOnThreads(
  tasks: readonly RunTask[],
  parts: PlayParts & {
    readonly threads: number;
    readonly onShare: (share: RunShare) => void;
  },
): Promise<OutcomeRun[]> {
  const { input, store, threads, onShare } = parts;
  const pool = new Piscina<RunTask, OutcomeRun>({
    filename: WORKER_URL.href,
    name: "default",
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    workerData: input,
    stricterFIFO: true,
    recordTiming: false,
  });
  pool.on("message", onShare);
  try {
    return await Promise.all(
      tasks.map(async (task) => {
        const run = await pool.run(task);
        store?.write(task, run);
        onShare({ ...task, done: 1 });
        return run;
      }),
    );
  } finally {
    await pool.destroy();
  }
}

/** One bar over all runs. */
function shareOfAll(tasks: readonly RunTask[], onProgress: OnProgress): (share: RunShare) => void {
  const done = new Map<string, number>();
  return (share) => {
    done.set(`${share.policy} ${share.seed}`, share.done);
    const total = [...done.values()].reduce((sum, each) => sum + each, 0);
    onProgress(`${tasks.length} runs`, total / tasks.length);
  };
}
