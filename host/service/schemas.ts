/** The shapes of the API. Each is a check, a part of the OpenAPI page and a TypeScript type. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { PHASES } from "../core/abi.js";
import { LIMITS } from "../lib/limits.js";

const strict = { additionalProperties: false } as const;
const nothing = Type.Null();

export const Id = Type.String({ minLength: 1, maxLength: LIMITS.idBytesMax });
const TimeMs = Type.Number({ minimum: 0, description: "ms since 1970 UTC" });
const OutageMinutes = Type.Number({ minimum: 0, maximum: LIMITS.outageMinutesMax });
const Value = Type.Number({ minimum: 0 });

export const Amounts = Type.Object(
  { cpu: Value, memory: Value, network: Value, disk: Value },
  { ...strict, description: "cores, GiB, Mbps, MB/s" },
);

const SomeAmounts = Type.Partial(Amounts, strict);

/** Amounts of each phase after a restart. */
export const PhaseAmounts = Type.Object(
  {
    cpu: Type.Array(Type.Number()),
    memory: Type.Array(Type.Number()),
    network: Type.Array(Type.Number()),
    disk: Type.Array(Type.Number()),
  },
  { description: `per resource, minutes ${PHASES.join(", ")} after the restart` },
);

export const NodeBody = Type.Object({ nodeId: Id, allocatable: Amounts }, strict);

export const RegistrationBody = Type.Object(
  {
    instanceId: Id,
    ownerId: Type.Optional(Id),
    groupId: Id,
    nodeId: Id,
    jobType: Type.Optional(Id),
    priority: Type.Number({ description: "higher is protected longer" }),
    interruptible: Type.Boolean(),
    limits: Type.Optional(SomeAmounts),
    requested: Type.Optional(SomeAmounts),
    typicalOutageMinutes: Type.Optional(OutageMinutes),
    stopSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
    checkpointSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400 })),
    allocation: Type.Optional(Amounts),
  },
  strict,
);

/** Values are checked one by one where they are taken in: a bad one is counted, not fatal. */
export const SampleBody = Type.Object(
  {
    instanceId: Type.String(),
    timeMs: Type.Number(),
    cpuCores: Type.Optional(Type.Number()),
    perCoreCores: Type.Optional(Type.Array(Type.Number(), { maxItems: 4_096 })),
    cpuPeakCores: Type.Optional(Type.Number()),
    memoryGiB: Type.Optional(Type.Number()),
    networkMbps: Type.Optional(Type.Number()),
    disk: Type.Optional(Type.Number()),
    connections: Type.Optional(Type.Number()),
    sinceLaunchSeconds: Type.Optional(Type.Number()),
  },
  strict,
);

export const SAMPLES_PER_REQUEST_MAX = 10_000;

export const SamplesBody = Type.Union([
  SampleBody,
  Type.Array(SampleBody, { maxItems: SAMPLES_PER_REQUEST_MAX }),
]);

export const SampleReport = Type.Object({
  accepted: Type.Integer(),
  dropped: Type.Record(Type.String(), Type.Integer(), { description: "count by reason" }),
});

const requestParts = {
  requestId: Type.Optional(Id),
  deadlineMs: Type.Optional(TimeMs),
  force: Type.Optional(Type.Boolean()),
  outageMinutes: Type.Optional(OutageMinutes),
};

export const InterruptionBody = Type.Object({ ...requestParts, instanceId: Id }, strict);

export const ReclaimBody = Type.Object(
  {
    ...requestParts,
    nodeIds: Type.Array(Id, { minItems: 1, maxItems: LIMITS.nodesMax }),
    amounts: Amounts,
    deadlineMs: TimeMs,
    priorityMax: Type.Number(),
    purpose: Type.Optional(
      Type.Union([Type.Literal("capacity-loss"), Type.Literal("requester")], {
        default: "requester",
      }),
    ),
  },
  strict,
);

export const ConsiderationBody = Type.Union([
  Type.Object({ interrupt: InterruptionBody }, strict),
  Type.Object({ reclaim: ReclaimBody }, strict),
]);

/** Of an instance that went down or is back. */
export const CheckpointBody = Type.Object(
  {
    timeMs: Type.Optional(TimeMs),
    sizeGiB: Type.Optional(Type.Number({ minimum: 0, description: "if it is known" })),
  },
  strict,
);

export const CheckpointReply = Type.Object({
  believed: Type.Boolean({ description: "whether what its disk did could have carried it" }),
});

export const LifeBody = Type.Object({ timeMs: Type.Optional(TimeMs) }, strict);

export const HintBody = Type.Object({ timeMs: Type.Optional(TimeMs) }, strict);
export type HintRequest = Static<typeof HintBody>;
export const Hint = Type.Object({
  nodeId: Type.String(),
  lossChance: Type.Number({ description: "that it is lost within the hour after the hint" }),
});

export const Reason = Type.Object({
  code: Type.String(),
  text: Type.String(),
  missing: Type.Optional(Type.Array(Type.Number())),
});

export const Decision = Type.Object(
  {
    decisionId: Type.String(),
    requestId: Type.String(),
    kind: Type.String({ description: "proceed, defer or refuse" }),
    decidedMs: TimeMs,
    reasons: Type.Array(Reason),
    retryAtMs: Type.Optional(TimeMs),
    planId: Type.Optional(Type.String()),
    victims: Type.Array(Type.String()),
    runnerUp: Type.Optional(Type.String()),
    inputsHash: Type.Optional(Type.String({ description: "absent of a consideration" })),
    modelVersion: Type.String(),
    acted: Type.Optional(Type.Boolean({ description: "false: said, not done" })),
  },
  { additionalProperties: true },
);

export const Pending = Type.Object({ requestId: Type.String(), status: Type.Literal("pending") });

export const GrantReply = Type.Object({
  reservationId: Type.Union([Type.String(), nothing]),
  instanceId: Type.String(),
  nodeId: Type.String(),
  amounts: PhaseAmounts,
  shortfall: PhaseAmounts,
  unknown: Type.Optional(Type.Array(Type.String())),
  startAtMs: Type.Optional(
    Type.Number({ description: "of a short grant: who restarts only then gets all" }),
  ),
});

export const Envelope = Type.Record(Type.String(), Type.Array(Type.Array(Type.Number())), {
  description: "resource -> phase -> quantiles .5 .9 .95 .99",
});

export const Profile = Type.Object({
  instanceId: Type.String(),
  predictedCpuCores: Type.Number(),
  predictedMemoryGiB: Type.Number(),
  predictedNetworkMbps: Type.Number(),
  predictedDiskIops: Type.Number(),
  lastUpdatedMs: Type.Union([Type.Number(), nothing]),
  outageMinutes: Type.Number(),
  rung: Type.Integer(),
  modelVersion: Type.String(),
  phases: Type.Array(Type.String()),
  quantiles: Type.Array(Type.Number()),
  envelope: Envelope,
  keepNeed: Type.Record(Type.String(), Type.Array(Type.Number())),
  unknown: Type.Optional(Type.Array(Type.String())),
  incarnation: Type.Integer(),
  samplesInIncarnation: Type.Integer(),
  trackerCount: Type.Number(),
  trackers: Type.Optional(Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean()]))),
  beside: Type.Optional(
    Type.Object({ predictor: Type.String(), rung: Type.Integer(), envelope: Envelope }),
  ),
});

export const Pool = Type.Object({
  kind: Type.String(),
  id: Type.String(),
  allocatable: Amounts,
  allocated: Amounts,
  reserved: PhaseAmounts,
  headroom: PhaseAmounts,
  target: PhaseAmounts,
});

export const Reservation = Type.Object(
  {
    reservationId: Type.String(),
    ownerId: Type.String(),
    instanceId: Type.String(),
    nodeId: Type.String(),
    groupId: Type.String(),
    state: Type.String(),
    fencingToken: Type.Number(),
    expectedRestartMs: TimeMs,
    expiresMs: TimeMs,
    amounts: PhaseAmounts,
    planId: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);

export const PAGE_MAX = 1_000;

export const PageQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: 100 }),
    after: Type.Optional(Type.String({ description: "`next` of the page before" })),
  },
  strict,
);

export function pageOf(item: TSchema) {
  return Type.Object({
    items: Type.Array(item),
    next: Type.Union([Type.String(), nothing], { description: "null on the last page" }),
  });
}

export const ProblemReply = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: "stable" }),
    detail: Type.String(),
    field: Type.Optional(Type.String()),
    got: Type.Optional(Type.String()),
    expected: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);

export type NodeRequest = Static<typeof NodeBody>;
export type RegistrationRequest = Static<typeof RegistrationBody>;
export type InterruptionRequestBody = Static<typeof InterruptionBody>;
export type ReclaimRequestBody = Static<typeof ReclaimBody>;
export type Page = Static<typeof PageQuery>;
