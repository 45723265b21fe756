import type { VirtualClock } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import { shippedSurgePrior } from "../../profiler/surge-prior.js";
import { PATIENCE_MINUTES, ReprisePolicy } from "../reprise-policy.js";
import { RivalPolicy, type SeenPlan } from "../rival-policy.js";
import type { VictimRule } from "../victim-rule.js";
import type { ExactCover } from "./exact-cover.js";
import { ForgetfulLedger } from "./forgetful-ledger.js";
import { kubeRule } from "./kube-rule.js";
import { OraclePolicy } from "./oracle-policy.js";
import type { OutcomeActors } from "./outcome-actors.js";
import type { OutcomePolicy } from "./outcome-policy.js";
import type { OutcomeScenario } from "./outcome-scenario.js";
import type { ProfileTable } from "./profile-table.js";
import { fifoRule, randomRule, slurmRule, yarnRule } from "./rival-rules.js";
import { TableProfiler } from "./table-profiler.js";

/** What a policy is made of, beside the truth that only the oracle looks at. */
export interface PolicyParts {
  readonly scenario: OutcomeScenario;
  readonly actors: OutcomeActors;
  readonly clock: VirtualClock;
  readonly table: ProfileTable;
  readonly onPlan: (plan: SeenPlan) => void;
  /** The exact optimum, which only the oracle asks for. */
  readonly cover: ExactCover | null;
}

type OpenPolicy = (name: string, parts: PolicyParts) => OutcomePolicy;

/** A scheduler's rule; a restart asks for its request, which is its limit. */
const rival =
  (rule: VictimRule): OpenPolicy =>
  (name, { scenario, clock, onPlan }) =>
    new RivalPolicy(scenario, clock, {
      name,
      rule,
      ask: ({ request }) => request,
      // Everybody's patience is the same, or whoever lets wait would seem to lose nothing.
      patienceMinutes: PATIENCE_MINUTES,
      onPlan,
    });

const ours =
  (predictor: "network" | "vpa", reserve: "pooled" | "sum"): OpenPolicy =>
  (name, { scenario, actors, clock, table, onPlan }) =>
    new ReprisePolicy({
      name,
      scenario,
      clock,
      profiler: new TableProfiler({
        table,
        clock,
        predictor,
        surgePrior: shippedSurgePrior(table.modelVersion),
      }),
      ledger: new ForgetfulLedger(),
      modelVersion: predictor === "network" ? table.modelVersion : predictor,
      load: actors,
      reserve,
      onPlan,
    });

const OPENERS = {
  kube: rival(kubeRule),
  random: rival(randomRule),
  fifo: rival(fifoRule),
  slurm: rival(slurmRule),
  yarn: rival(yarnRule),
  "reprise-vpa": ours("vpa", "pooled"),
  "reprise-sum": ours("network", "sum"),
  reprise: ours("network", "pooled"),
  oracle: (_, { cover, ...parts }) => {
    if (cover !== null) return new OraclePolicy({ ...parts, cover });
    throw new RepriseError("ERR_CONFIG", "the oracle has no solver", { field: "policies" });
  },
} satisfies Record<string, OpenPolicy>;

export type OutcomePolicyName = keyof typeof OPENERS;
export const OUTCOME_POLICIES = Object.keys(OPENERS) as OutcomePolicyName[];

export function openOutcomePolicy(name: OutcomePolicyName, parts: PolicyParts): OutcomePolicy {
  return OPENERS[name](name, parts);
}
