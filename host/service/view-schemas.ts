/** The shapes of what is only looked at. */
import { type TSchema, Type } from "@sinclair/typebox";
import { RESOURCES } from "../core/abi.js";
import { Amounts, Envelope } from "./schemas.js";

const Numbers = Type.Array(Type.Number());
const nullable = (schema: TSchema) => Type.Union([schema, Type.Null()]);
const Share = nullable(Type.Number());
const byName = (schema: TSchema) =>
  Type.Object(Object.fromEntries(RESOURCES.map((name) => [name, schema])));

export const FleetLine = Type.Object({
  instanceId: Type.String(),
  groupId: Type.String(),
  nodeId: Type.String(),
  priority: Type.Number(),
  running: Type.Boolean(),
  mode: Type.String(),
  rung: Type.Integer(),
  lastUpdatedMs: nullable(Type.Number()),
  need: Amounts,
  allocation: Type.Optional(Amounts),
  used: Type.Optional(Amounts),
  crowding: nullable(
    Type.Number({ description: "need after a restart over the room its node would have" }),
  ),
  outcomes: Type.Integer({ description: "restarts to look at" }),
});

export const Fleet = Type.Object({
  nowMs: Type.Number(),
  items: Type.Array(FleetLine),
  next: nullable(Type.String()),
});

export const Outcomes = Type.Object({
  baseline: Type.String(),
  phases: Type.Array(Type.String()),
  quantiles: Numbers,
  items: Type.Array(
    Type.Object({
      restartedMs: Type.Number(),
      rung: Type.Integer(),
      peaks: byName(Type.Array(Share)),
      predicted: Envelope,
      baseline: Envelope,
    }),
  ),
});

export const History = Type.Object({
  nowMs: Type.Number(),
  phases: Type.Array(Type.String()),
  timesMs: Numbers,
  resources: byName(
    Type.Object({
      allocatable: Numbers,
      allocated: Numbers,
      used: Numbers,
      reserved: Type.Array(Numbers, { description: "a list for each phase" }),
    }),
  ),
});

export const Plan = Type.Object(
  {
    planId: Type.String(),
    state: Type.String(),
    victims: Type.Array(Type.String()),
    reservationIds: Type.Array(Type.String()),
  },
  { additionalProperties: true },
);

const Told = Type.Object({
  coverage: Type.Array(Share, { description: "by quantile" }),
  room: Share,
});

export const Quality = Type.Object({
  nowMs: Type.Number(),
  baseline: Type.String(),
  quantiles: Numbers,
  restarts: Type.Integer(),
  sinceMs: nullable(Type.Number()),
  resources: byName(
    Type.Object({
      ...{ phases: Type.Number(), needed: Share, ours: Told, baseline: Told },
      isDrifting: nullable(Type.Boolean()),
    }),
  ),
  hints: Type.Object({
    open: Type.Integer({ description: "nodes hinted at within the hour" }),
    judged: Type.Integer(),
    followed: Type.Integer({ description: "by the loss of the node within the hour" }),
    stated: Share,
    brier: Share,
    acted: Type.Integer(),
    actedFollowed: Type.Integer(),
    losses: Type.Integer({ description: "since the first hint" }),
    hintedLosses: Type.Integer(),
  }),
  recent: Type.Object({
    timesMs: Numbers,
    resources: byName(Type.Object({ held: Numbers, seen: Numbers })),
  }),
});
