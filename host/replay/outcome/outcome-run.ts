import type { PolicyCounts } from "../policy.js";
import type { OutcomePolicyName } from "./outcome-policies.js";
import type { OutcomeFigures } from "./outcome-tally.js";
import type { PlanRegret } from "./plan-regret.js";

/** Which policy is to be played in which world. */
export interface RunTask {
  readonly policy: OutcomePolicyName;
  readonly seed: number;
  readonly nodeCount: number;
  /** Compare this many of its plans with the exact optimum. */
  readonly plansJudged: number;
}

/** One policy in one seed's world. */
export interface OutcomeRun extends OutcomeFigures {
  readonly policy: OutcomePolicyName;
  readonly seed: number;
  /** What happens in this world under every policy. */
  readonly losses: number;
  readonly planned: number;
  readonly counts: PolicyCounts;
  /** Core-hours that some of its plans lost, and the least that the same could have lost. */
  readonly regret: PlanRegret;
  /** Elapsed, so not the same twice. */
  readonly seconds: number;
  readonly planMsP99: number;
}
