import { elapsedMs } from "../lib/clock.js";
import type { PredictorName } from "../profiler/predictors/predictors.js";
import { openReprisePolicy } from "./open-policy.js";
import { planScenario } from "./plan-scenario.js";
import { PriorityOnlyPolicy } from "./priority-only.js";
import { describeInput, NOTES, type ReplayReport } from "./report.js";
import { type PolicyReport, runPolicy } from "./run-policy.js";
import type { Scenario } from "./scenario.js";
import { openTraceFolder } from "./trace-folder.js";

/** Days of the bundled sample after its warm-up. */
export const SAMPLE_DAYS = 7;

export interface ReplayOptions {
  /** A folder in the layout of the whole traces; the bundled sample when absent. */
  readonly data?: string;
  readonly seed: number;
  readonly days: number;
  readonly vmCount?: number;
  readonly nodeCount?: number;
  /** Threads of the profiler; 0 computes on the calling thread. Results do not depend on it. */
  readonly workers: number;
  /** A folder for a durable ledger; kept in memory when absent. */
  readonly ledgerFolder?: string;
  /** Weights of the network; those that ship when absent. */
  readonly model?: string;
  /** Whose answers count; the network's when absent. */
  readonly predictor?: PredictorName;
}

/** Which part is under way and how much of it is done, 0 to 1. */
export type OnProgress = (part: string, done: number) => void;

/**
 * Plays real traces: once under Reprise, then under priority-only policies on the same input.
 *
 * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT, ERR_WEIGHTS_FORMAT, ERR_LEDGER_FOREIGN
 */
export async function runReplay(
  options: ReplayOptions,
  onProgress: OnProgress = () => {},
): Promise<ReplayReport> {
  const startMs = elapsedMs();
  const folder = openTraceFolder(options.data);
  const { seed, days, vmCount, nodeCount } = options;
  const scenario = await planScenario(
    folder,
    {
      seed,
      days,
      ...(vmCount === undefined ? {} : { vmCount }),
      ...(nodeCount === undefined ? {} : { nodeCount }),
    },
    (done, all) => onProgress("reading the warm-up", done / all),
  );
  const secondsByPolicy: Record<string, number> = {};
  const policies: PolicyReport[] = [];
  let modelVersion = "";
  const play = async (open: Parameters<typeof runPolicy>[1]): Promise<void> => {
    const beganMs = elapsedMs();
    const report = await runPolicy(scenario, open, (policy, nowMs) =>
      onProgress(policy, share(scenario, nowMs)),
    );
    secondsByPolicy[report.policy] = (elapsedMs() - beganMs) / 1000;
    policies.push(report);
  };
  await play(async (clock) => {
    const policy = await openReprisePolicy({ ...options, scenario, clock });
    modelVersion = policy.modelVersion;
    return policy;
  });
  await play(async (clock) => new PriorityOnlyPolicy(scenario, clock, "largest"));
  await play(async (clock) => new PriorityOnlyPolicy(scenario, clock, "p95"));
  return {
    input: describeInput(scenario, folder.bundled),
    modelVersion,
    policies,
    notes: NOTES,
    timing: {
      totalSeconds: (elapsedMs() - startMs) / 1000,
      workers: options.workers,
      secondsByPolicy,
    },
  };
}

function share(scenario: Scenario, nowMs: number): number {
  const { warmUpFromMs, toMs } = scenario;
  return (nowMs - warmUpFromMs) / (toMs - warmUpFromMs);
}
