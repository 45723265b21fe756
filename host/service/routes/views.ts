/** What is only looked at: the fleet in short, the pool's last day, how predictions did. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import { PHASES, QUANTILES } from "../../core/abi.js";
import type { AppParts } from "../app.js";
import { fleetLines } from "../fleet.js";
import { namedEnvelope, namedPhases } from "../named.js";
import { type KeptOutcome, OUTCOME_BASELINE } from "../outcomes.js";
import { pageFrom } from "../paging.js";
import { Id, type Page, PageQuery } from "../schemas.js";
import { Fleet, History, Outcomes, Plan, Quality } from "../view-schemas.js";

const Params = Type.Object({ instanceId: Id });
const HistoryQuery = Type.Object(
  { after: Type.Optional(Type.Number({ description: "ms; only what came later" })) },
  { additionalProperties: false },
);
const PlanParams = Type.Object({ planId: Id });
const tags = ["views"];

export function viewRoutes(api: FastifyInstance, { runtime }: AppParts): void {
  const { profiler, clock } = runtime;

  api.get<{ Querystring: Page }>(
    "/fleet",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "one short line an instance, with what it would need after a restart",
        querystring: PageQuery,
        response: { 200: Fleet },
      },
    },
    async ({ query }) => ({
      nowMs: clock.nowMs(),
      ...pageFrom(profiler.instanceIds(), query, (ids) => fleetLines(runtime, ids)),
    }),
  );

  api.get<{ Params: Static<typeof Params> }>(
    "/instances/:instanceId/outcomes",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "its last restarts: what had been predicted, what was really needed",
        params: Params,
        response: { 200: Outcomes },
      },
    },
    async ({ params: { instanceId } }) => {
      profiler.registration(instanceId);
      const items = runtime.outcomes.of(instanceId).map(outcomeReply);
      return { baseline: OUTCOME_BASELINE, phases: PHASES, quantiles: QUANTILES, items };
    },
  );

  api.get<{ Querystring: Static<typeof HistoryQuery> }>(
    "/pools/history",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "the whole pool over a day",
        querystring: HistoryQuery,
        response: { 200: History },
      },
    },
    async ({ query }) => ({
      nowMs: clock.nowMs(),
      phases: PHASES,
      ...runtime.history.columns(query.after),
    }),
  );

  api.get<{ Params: Static<typeof PlanParams> }>(
    "/plans/:planId",
    { config: { role: "read" }, schema: { tags, params: PlanParams, response: { 200: Plan } } },
    async ({ params }, reply) => runtime.ledger.get("plan", params.planId) ?? reply.callNotFound(),
  );

  api.get(
    "/quality",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "how predictions did at real restarts",
        response: { 200: Quality },
      },
    },
    async () => ({
      nowMs: clock.nowMs(),
      baseline: OUTCOME_BASELINE,
      quantiles: QUANTILES,
      hints: runtime.coordinator.hints,
      ...runtime.outcomes.quality.report(),
    }),
  );
}

/** What was not measured is null. */
function outcomeReply({ restartedMs, rung, peaks, predicted, baseline }: KeptOutcome) {
  const measured = (amounts: readonly number[]) =>
    Object.fromEntries(
      Object.entries(namedPhases(amounts)).map(([name, phases]) => [
        name,
        phases.map((peak) => (Number.isNaN(peak) ? null : peak)),
      ]),
    );
  return {
    restartedMs,
    rung,
    peaks: measured(peaks),
    predicted: namedEnvelope(predicted),
    baseline: namedEnvelope(baseline),
  };
}
