import { elapsedMs, VirtualClock } from "../../lib/clock.js";
import type { SeenPlan } from "../rival-policy.js";
import { quantile } from "../survey.js";
import { type ExactCover, openExactCover } from "./exact-cover.js";
import { OutcomeActors } from "./outcome-actors.js";
import { type OutcomeInput, tableOfInput, usageOfInput } from "./outcome-input.js";
import { openOutcomePolicy } from "./outcome-policies.js";
import type { OutcomePolicy } from "./outcome-policy.js";
import type { OutcomeRun, RunTask } from "./outcome-run.js";
import { type OutcomeScenario, planOutcome } from "./outcome-scenario.js";
import { OutcomeWorld } from "./outcome-world.js";
import { planRegret } from "./plan-regret.js";
import type { ProfileTable } from "./profile-table.js";

/** Plays runs one after another; what a seed's worlds have in common is planned once. */
export class RunPlayer {
  readonly #input: OutcomeInput;
  readonly #table: ProfileTable;
  #scenario: OutcomeScenario | undefined;
  #cover: ExactCover | undefined;

  constructor(input: OutcomeInput) {
    this.#input = input;
    this.#table = tableOfInput(input);
  }

  /**
   * @param onShare hears which share of it is done, after each simulated minute
   * @throws ERR_ARGUMENT, ERR_TRACE_FORMAT, ERR_CONFIG when there is no solver
   */
  async play(task: RunTask, onShare: (done: number) => void): Promise<OutcomeRun> {
    const { policy: name, seed, plansJudged } = task;
    const scenario = await this.#scenarioOf(task);
    const cover = name === "oracle" || plansJudged > 0 ? await this.#solver() : null;
    const clock = new VirtualClock(scenario.warmUpFromMs);
    const actors = new OutcomeActors(scenario);
    const plans: SeenPlan[] = [];
    const onPlan = (plan: SeenPlan) => plans.push(plan);
    const parts = { scenario, actors, clock, table: this.#table, cover, onPlan };
    const planMs: number[] = [];
    const policy = timed(openOutcomePolicy(name, parts), plans, planMs);
    const world = new OutcomeWorld({ scenario, actors, policy, clock, plans });
    const beganMs = elapsedMs();
    const { fromMs, toMs, capacityEvents, planned } = scenario;
    try {
      await world.run((nowMs) => onShare((nowMs - fromMs) / (toMs - fromMs)));
    } finally {
      await policy.close();
    }
    const seconds = (elapsedMs() - beganMs) / 1000;
    planMs.sort((a, b) => a - b);
    return {
      policy: name,
      seed,
      losses: capacityEvents.filter(({ fraction }) => fraction < 0).length,
      planned: planned.length,
      ...world.tally.figures(),
      counts: policy.counts(),
      regret: planRegret(world.judged, cover, plansJudged),
      seconds,
      planMsP99: quantile(planMs, 0.99),
    };
  }

  async #scenarioOf({ seed, nodeCount }: RunTask): Promise<OutcomeScenario> {
    const known = this.#scenario;
    if (known?.seed === seed && known.nodes.length === nodeCount) return known;
    const { span } = this.#input;
    const usage = usageOfInput(this.#input);
    const scenario = await planOutcome(this.#input, usage, { span, seed, nodeCount });
    this.#scenario = scenario;
    return scenario;
  }

  async #solver(): Promise<ExactCover> {
    this.#cover ??= await openExactCover();
    return this.#cover;
  }
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
