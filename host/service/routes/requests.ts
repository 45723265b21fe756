/** Requests to interrupt or to reclaim, and what was decided on them. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import type { AppParts } from "../app.js";
import { summaryOf } from "../events.js";
import {
  ConsiderationBody,
  Decision,
  Id,
  InterruptionBody,
  type InterruptionRequestBody,
  PAGE_MAX,
  Pending,
  pageOf,
  ReclaimBody,
  type ReclaimRequestBody,
} from "../schemas.js";
import { RequestDesk } from "./request-desk.js";

const RequestParams = Type.Object({ requestId: Id });
const DecisionParams = Type.Object({ decisionId: Id });
const DecisionsQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: 100 }),
    before: Type.Optional(Type.String({ description: "newest first; `next` of the page before" })),
  },
  { additionalProperties: false },
);

const tags = ["requests"];
const replies = { 200: Decision, 202: Pending };

export function requestRoutes(api: FastifyInstance, parts: AppParts): void {
  const desk = new RequestDesk(parts);
  actingRoutes(api, parts, desk);
  considerationRoutes(api, parts, desk);
  decisionRoutes(api, parts);
}

function actingRoutes(api: FastifyInstance, { runtime }: AppParts, desk: RequestDesk): void {
  api.post<{ Body: InterruptionRequestBody }>(
    "/interruptions",
    {
      config: { role: "decide" },
      schema: { tags, body: InterruptionBody, response: replies },
    },
    async (request, reply) => {
      const asked = desk.interruption(request.body, desk.idOf(request));
      const mode = runtime.modeOf(asked.instanceId);
      // An unknown instance is refused by the coordinator, with its reason.
      const isKnown = runtime.profiler.has(asked.instanceId);
      const answer =
        isKnown && mode !== "enforce"
          ? desk.onlySaid(asked, mode)
          : await desk.submitted(asked, request);
      if (answer === undefined) reply.code(202);
      return answer ?? { requestId: asked.requestId, status: "pending" };
    },
  );

  api.post<{ Body: ReclaimRequestBody }>(
    "/reclaims",
    { config: { role: "decide" }, schema: { tags, body: ReclaimBody, response: replies } },
    async (request, reply) => {
      const asked = desk.reclaim(request.body, desk.idOf(request));
      const answer = runtime.isEnforcing
        ? await desk.submitted(asked, request)
        : desk.onlySaid(asked, "recommend");
      if (answer === undefined) reply.code(202);
      return answer ?? { requestId: asked.requestId, status: "pending" };
    },
  );

  api.delete<{ Params: Static<typeof RequestParams> }>(
    "/requests/:requestId",
    {
      config: { role: "decide" },
      schema: {
        tags,
        description: "taken back; what is held for it is free",
        params: RequestParams,
      },
    },
    async ({ params }, reply) => {
      await runtime.coordinator.withdraw(params.requestId);
      reply.code(204);
    },
  );
}

function considerationRoutes(api: FastifyInstance, { runtime }: AppParts, desk: RequestDesk): void {
  api.post<{ Body: Static<typeof ConsiderationBody> }>(
    "/considerations",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "what would be decided now; nothing is written, queued or held",
        body: ConsiderationBody,
        response: { 200: Decision },
      },
    },
    async ({ body }) => {
      const requestId = desk.nextConsideration();
      const asked =
        "interrupt" in body
          ? desk.interruption(body.interrupt, requestId)
          : desk.reclaim(body.reclaim, requestId);
      const { inputs: _inputs, ...said } = runtime.consider(asked);
      return { ...said, acted: false };
    },
  );
}

function decisionRoutes(api: FastifyInstance, { runtime }: AppParts): void {
  const { ledger, decisions } = runtime;

  api.get<{ Params: Static<typeof RequestParams> }>(
    "/requests/:requestId",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "its latest decision",
        params: RequestParams,
        response: replies,
      },
    },
    async ({ params }, reply) => {
      const found = decisions.latest(params.requestId);
      return found === undefined ? reply.callNotFound() : summaryOf(found);
    },
  );

  api.get<{ Querystring: Static<typeof DecisionsQuery> }>(
    "/decisions",
    {
      config: { role: "read" },
      schema: { tags, querystring: DecisionsQuery, response: { 200: pageOf(Decision) } },
    },
    async ({ query: { limit, before } }) => {
      const range = { limit: limit + 2, reverse: true, ...(before ? { from: before } : {}) };
      const found = [...ledger.entries("decision", range)].filter(([id]) => id !== before);
      const items = found.slice(0, limit).map(([, decision]) => summaryOf(decision));
      return { items, next: found.length > limit ? (items.at(-1)?.decisionId ?? null) : null };
    },
  );

  api.get<{ Params: Static<typeof DecisionParams> }>(
    "/decisions/:decisionId",
    {
      config: { role: "read" },
      schema: {
        tags,
        description: "with its inputs, candidates and scores",
        params: DecisionParams,
        response: { 200: Decision },
      },
    },
    async ({ params }) => runtime.coordinator.explain(params.decisionId),
  );
}
