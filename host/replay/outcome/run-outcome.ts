import { elapsedMs, VirtualClock } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import { shippedWeightsFile } from "../../model/shipped-weights.js";
import { readWeights } from "../../model/weights.js";
import type { PolicyCounts } from "../policy.js";
import type { SeenPlan } from "../rival-policy.js";
import type { OnProgress } from "../run-replay.js";
import { quantile } from "../survey.js";
import { openTraceFolder, withAllSpotTraces } from "../trace-folder.js";
import { type ExactCover, openExactCover } from "./exact-cover.js";
import { OutcomeActors } from "./outcome-actors.js";
import { type OutcomePolicyName, openOutcomePolicy } from "./outcome-policies.js";
import type { OutcomePolicy } from "./outcome-policy.js";
import {
  type OutcomeScenario,
  outcomeSpan,
  planOutcome,
  readAllUsage,
} from "./outcome-scenario.js";
import type { OutcomeFigures } from "./outcome-tally.js";
import { OutcomeWorld } from "./outcome-world.js";
import { type PlanRegret, planRegret } from "./plan-regret.js";
import { noteProfiles, type ProfileTable } from "./profile-table.js";

export interface OutcomeOptions {
  /** A folder in the layout of the whole traces; the bundled sample when absent. */
  readonly data?: string;
  /** The first one; the others follow it. */
  readonly seed: number;
  readonly seeds: number;
  readonly days: number;
  readonly nodeCount: number;
  readonly policies: readonly OutcomePolicyName[];
  /** Weights of the network; those that ship when absent. */
  readonly model?: string;
  /** Compare this many plans of each run with the exact optimum. */
  readonly plansJudged: number;
}

/** One policy in one seed's world. */
export interface OutcomeRun extends OutcomeFigures {
  readonly policy: OutcomePolicyName;
  readonly seed: number;
  readonly counts: PolicyCounts;
  /** Core-hours that some of its plans lost, and the least that the same could have lost. */
  readonly regret: PlanRegret;
  /** Elapsed, so not the same twice. */
  readonly seconds: number;
  readonly planMsP99: number;
}

export interface OutcomeResult {
  readonly runs: readonly OutcomeRun[];
  readonly vms: number;
  readonly nodes: number;
  readonly losses: number;
  readonly planned: number;
  readonly from: string;
  readonly to: string;
  readonly modelVersion: string;
  readonly bundled: boolean;
  readonly readSeconds: number;
  readonly profileSeconds: number;
}

/**
 * Plays every policy in every seed's world. Usage is read and profiled once: neither depends on the
 * seed nor on the policy.
 *
 * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT, ERR_WEIGHTS_FORMAT
 */
export async function runOutcome(
  options: OutcomeOptions,
  onProgress: OnProgress = () => {},
): Promise<OutcomeResult> {
  const folder = withAllSpotTraces(openTraceFolder(options.data));
  const span = outcomeSpan(folder, options.days);
  const readMs = elapsedMs();
  const usage = await readAllUsage(folder, span, (done, all) => onProgress("traces", done / all));
  const profileMs = elapsedMs();
  const weights = openWeights(options.model);
  const table = await noteProfiles(usage, span, {
    weights,
    onTime: (nowMs) => onProgress("profiles", (nowMs - span.fromMs) / (span.toMs - span.fromMs)),
  });
  const profiledMs = elapsedMs();
  const needsSolver = options.policies.includes("oracle") || options.plansJudged > 0;
  const cover = needsSolver ? await openExactCover() : null;
  const runs: OutcomeRun[] = [];
  let [losses, planned] = [0, 0];
  const { seed: first, seeds } = options;
  for (let seed = first; seed < first + seeds; seed++) {
    const scenario = await planOutcome(folder, usage, {
      span,
      seed,
      nodeCount: options.nodeCount,
    });
    losses += scenario.capacityEvents.filter(({ fraction }) => fraction < 0).length;
    planned += scenario.planned.length;
    for (const policy of options.policies) {
      const so = { scenario, table, cover, plansJudged: options.plansJudged, onProgress };
      runs.push(await runOne(policy, so));
    }
  }
  return {
    runs,
    vms: usage.length,
    nodes: options.nodeCount,
    losses,
    planned,
    from: new Date(span.noteFromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    modelVersion: table.modelVersion,
    bundled: folder.bundled,
    readSeconds: (profileMs - readMs) / 1000,
    profileSeconds: (profiledMs - profileMs) / 1000,
  };
}

function openWeights(model: string | undefined) {
  const file = model ?? shippedWeightsFile();
  if (file !== undefined) return readWeights(file);
  throw new RepriseError("ERR_ARGUMENT", "the outcome world needs weights", {
    field: "model",
    expected: "a file of weights",
  });
}

async function runOne(
  name: OutcomePolicyName,
  so: {
    readonly scenario: OutcomeScenario;
    readonly table: ProfileTable;
    readonly cover: ExactCover | null;
    readonly plansJudged: number;
    readonly onProgress: OnProgress;
  },
): Promise<OutcomeRun> {
  const { scenario, table, cover, onProgress } = so;
  const clock = new VirtualClock(scenario.warmUpFromMs);
  const actors = new OutcomeActors(scenario);
  const plans: SeenPlan[] = [];
  const onPlan = (plan: SeenPlan) => plans.push(plan);
  const parts = { scenario, actors, clock, table, cover, onPlan };
  const planMs: number[] = [];
  const policy = timed(openOutcomePolicy(name, parts), plans, planMs);
  const world = new OutcomeWorld({ scenario, actors, policy, clock, plans });
  const beganMs = elapsedMs();
  const { fromMs, toMs, seed } = scenario;
  try {
    await world.run((nowMs) =>
      onProgress(`seed ${seed}, ${name}`, (nowMs - fromMs) / (toMs - fromMs)),
    );
  } finally {
    await policy.close();
  }
  const seconds = (elapsedMs() - beganMs) / 1000;
  planMs.sort((a, b) => a - b);
  return {
    policy: name,
    seed,
    ...world.tally.figures(),
    counts: policy.counts(),
    regret: planRegret(world.judged, cover, so.plansJudged),
    seconds,
    planMsP99: quantile(planMs, 0.99),
  };
}

/** Notes how long each turn took in which a plan was made. */
function timed(policy: OutcomePolicy, plans: readonly SeenPlan[], planMs: number[]): OutcomePolicy {
  const turn = policy.turn.bind(policy);
  policy.turn = async () => {
    const [began, before] = [elapsedMs(), plans.length];
    const interruptions = await turn();
    if (plans.length > before) planMs.push(elapsedMs() - began);
    return interruptions;
  };
  return policy;
}
