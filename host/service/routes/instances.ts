/** Who there is, what they would need, and what happens to them. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import { PHASES, QUANTILES } from "../../core/abi.js";
import { PREDICTOR_NAMES, type PredictorName } from "../../profiler/predictors/predictors.js";
import type { BehaviourProfile } from "../../profiler/profile.js";
import type { InstanceRegistration } from "../../sources/sample.js";
import type { AppParts } from "../app.js";
import { namedAmounts, namedEnvelope, namedPhases, namedQuantiles } from "../named.js";
import { pageFrom } from "../paging.js";
import { amountsOf, type ServiceRuntime } from "../runtime.js";
import {
  CheckpointBody,
  CheckpointReply,
  GrantReply,
  Id,
  LifeBody,
  type Page,
  PageQuery,
  Profile,
  pageOf,
  RegistrationBody,
  type RegistrationRequest,
} from "../schemas.js";

const Params = Type.Object({ instanceId: Id });
type Params = Static<typeof Params>;

const ProfileQuery = Type.Object(
  {
    outageMinutes: Type.Optional(Type.Number({ minimum: 0 })),
    beside: Type.Optional(Type.Union(PREDICTOR_NAMES.map((name) => Type.Literal(name)))),
  },
  { additionalProperties: false },
);

const Instance = Type.Object(
  {
    instanceId: Type.String(),
    groupId: Type.String(),
    nodeId: Type.String(),
    priority: Type.Number(),
    interruptible: Type.Boolean(),
    running: Type.Boolean(),
    mode: Type.String(),
  },
  { additionalProperties: true },
);

const REGISTRATIONS_MAX = 10_000;

const RegistrationReport = Type.Object({
  accepted: Type.Integer(),
  refused: Type.Array(
    Type.Object({ instanceId: Type.String(), code: Type.String(), detail: Type.String() }),
  ),
});

const tags = ["instances"];

export function instanceRoutes(api: FastifyInstance, parts: AppParts): void {
  registrationRoutes(api, parts);
  profileRoutes(api, parts);
  lifeRoutes(api, parts);
}

function registrationRoutes(api: FastifyInstance, { runtime }: AppParts): void {
  const { profiler } = runtime;
  const describe = (instanceId: string) => describeInstance(runtime, instanceId);

  api.put<{ Body: RegistrationRequest }>(
    "/instances",
    {
      config: { role: "observe" },
      schema: { tags, body: RegistrationBody, response: { 200: Instance, 201: Instance } },
    },
    async (request, reply) => {
      const { allocation, ...registration } = request.body;
      const isNew = !profiler.has(registration.instanceId);
      runtime.register(
        registration as InstanceRegistration,
        allocation === undefined ? undefined : amountsOf(allocation),
      );
      reply.code(isNew ? 201 : 200);
      return describe(registration.instanceId);
    },
  );

  api.post<{ Body: RegistrationRequest[] }>(
    "/instances",
    {
      config: { role: "observe" },
      schema: {
        tags,
        description: "many at one time, with one wait for the disk; each stands for itself",
        body: Type.Array(RegistrationBody, { maxItems: REGISTRATIONS_MAX }),
        response: { 200: RegistrationReport },
      },
    },
    async ({ body }) => {
      const refused = runtime.registerAll(
        body.map(({ allocation, ...registration }) => ({
          registration: registration as InstanceRegistration,
          ...(allocation === undefined ? {} : { amounts: amountsOf(allocation) }),
        })),
      );
      const items = [...refused].map(([index, { code, message }]) => {
        return { instanceId: body[index]?.instanceId ?? "", code, detail: message };
      });
      return { accepted: body.length - refused.size, refused: items };
    },
  );

  api.get<{ Querystring: Page }>(
    "/instances",
    {
      config: { role: "read" },
      schema: { tags, querystring: PageQuery, response: { 200: pageOf(Instance) } },
    },
    async ({ query }) => pageFrom(profiler.instanceIds(), query, (ids) => ids.map(describe)),
  );

  api.get<{ Params: Params }>(
    "/instances/:instanceId",
    { config: { role: "read" }, schema: { tags, params: Params, response: { 200: Instance } } },
    async ({ params }) => describe(params.instanceId),
  );

  api.delete<{ Params: Params }>(
    "/instances/:instanceId",
    { config: { role: "observe" }, schema: { tags, params: Params } },
    async ({ params }, reply) => {
      runtime.unregister(params.instanceId);
      reply.code(204);
    },
  );
}

function profileRoutes(api: FastifyInstance, { runtime }: AppParts): void {
  api.get<{ Params: Params; Querystring: Static<typeof ProfileQuery> }>(
    "/instances/:instanceId/profile",
    {
      config: { role: "read" },
      schema: { tags, params: Params, querystring: ProfileQuery, response: { 200: Profile } },
    },
    async ({ params, query }) => {
      const { outageMinutes, beside } = query;
      const profile = runtime.profiler.profile(params.instanceId, {
        ...(outageMinutes === undefined ? {} : { outageMinutes }),
        ...(beside === undefined ? {} : { beside: beside as PredictorName }),
      });
      return profileReply(profile);
    },
  );
}

function lifeRoutes(api: FastifyInstance, { runtime, audit }: AppParts): void {
  const { clock } = runtime;

  api.post<{ Params: Params; Body: Static<typeof LifeBody> }>(
    "/instances/:instanceId/stopped",
    { config: { role: "observe" }, schema: { tags, params: Params, body: LifeBody } },
    async ({ params, body, caller }, reply) => {
      const timeMs = body.timeMs ?? clock.nowMs();
      await runtime.stopped(params.instanceId, timeMs);
      note(caller.name, "stopped", params.instanceId, "noted");
      reply.code(204);
    },
  );

  api.post<{ Params: Params; Body: Static<typeof LifeBody> }>(
    "/instances/:instanceId/restarted",
    {
      config: { role: "observe" },
      schema: { tags, params: Params, body: LifeBody, response: { 200: GrantReply } },
    },
    async ({ params, body, caller }) => {
      const grant = await runtime.restarted(params.instanceId, body.timeMs ?? clock.nowMs());
      note(caller.name, "restarted", params.instanceId, grant.reservationId ?? "no-room");
      const { amounts, shortfall } = grant;
      return { ...grant, amounts: namedPhases(amounts), shortfall: namedPhases(shortfall) };
    },
  );

  api.post<{ Params: Params; Body: Static<typeof CheckpointBody> }>(
    "/instances/:instanceId/checkpoint",
    {
      config: { role: "observe" },
      schema: { tags, params: Params, body: CheckpointBody, response: { 200: CheckpointReply } },
    },
    async ({ params, body, caller }) => {
      const { timeMs = clock.nowMs(), sizeGiB } = body;
      const { instanceId } = params;
      const believed = runtime.coordinator.reportCheckpoint(instanceId, timeMs, sizeGiB);
      note(caller.name, "checkpoint", instanceId, believed ? "believed" : "noted");
      return { believed };
    },
  );

  function note(caller: string, action: string, subject: string, outcome: string): void {
    audit?.append({ timeMs: clock.nowMs(), caller, action, subject, outcome });
  }
}

function describeInstance(runtime: ServiceRuntime, instanceId: string) {
  const registration = runtime.profiler.registration(instanceId);
  const held = runtime.allocator.allocationOf(instanceId);
  return {
    ...registration,
    running: runtime.profiler.isRunning(instanceId),
    mode: runtime.modeOf(instanceId),
    ...(held === undefined ? {} : { nodeId: held.nodeId, allocation: namedAmounts(held.amounts) }),
  };
}

function profileReply(profile: BehaviourProfile) {
  const { envelope, keepNeed, beside, ...rest } = profile;
  return {
    ...rest,
    phases: PHASES,
    quantiles: QUANTILES,
    envelope: namedEnvelope(envelope),
    keepNeed: namedQuantiles(keepNeed),
    ...(beside === undefined
      ? {}
      : { beside: { ...beside, envelope: namedEnvelope(beside.envelope) } }),
  };
}
