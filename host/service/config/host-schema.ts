/** The part of `reprise.yaml` about the machine that Reprise runs on. */
import { Type } from "@sinclair/typebox";

const strict = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 500 });
const Amount = Type.Number({ minimum: 0 });
const SomeAmounts = Type.Partial(
  Type.Object({ cpu: Amount, memory: Amount, network: Amount, disk: Amount }),
  strict,
);

const identity = {
  name: Text,
  groupId: Type.Optional(Text),
  jobType: Type.Optional(Text),
  priority: Type.Optional(Type.Number()),
  interruptible: Type.Optional(Type.Boolean()),
  limits: Type.Optional(SomeAmounts),
  requested: Type.Optional(SomeAmounts),
  typicalOutageMinutes: Type.Optional(Amount),
  instance: Type.Optional(Text),
};

const Rule = Type.Union([
  Type.Object({ kind: Type.Literal("cgroup"), path: Text, ...identity }, strict),
  Type.Object(
    {
      kind: Type.Literal("tree"),
      command: Type.Optional(Text),
      user: Type.Optional(Type.Union([Text, Type.Integer({ minimum: 0 })])),
      ...identity,
    },
    strict,
  ),
  Type.Object({ kind: Type.Literal("managed"), folder: Text }, strict),
]);

export const HostSchema = Type.Object(
  {
    nodeId: Type.String({ minLength: 1, default: "here", description: "name of this machine" }),
    intervalSeconds: Type.Number({
      minimum: 1,
      maximum: 60,
      default: 10,
      description: "between two looks at an instance",
    }),
    rules: Type.Array(Rule, {
      default: [],
      maxItems: 1_000,
      description: "what is an instance, see docs/live-host.md; empty: what `reprise run` started",
    }),
    folder: Type.String({
      minLength: 1,
      default: "/run/reprise",
      description: "records of what `reprise run` started",
    }),
    graceSeconds: Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 10,
      description: "between the signal to end and the kill",
    }),
    reservedCores: Type.Number({ minimum: 0, default: 0, description: "kept for the system" }),
    reservedGiB: Type.Number({ minimum: 0, default: 0, description: "kept for the system" }),
    networkMbps: Type.Number({
      minimum: 0,
      default: 1_000,
      description: "what instances may have; no machine tells it of itself",
    }),
    disk: Type.Number({ minimum: 0, default: 200, description: "MB/s instances may have" }),
  },
  { ...strict, default: {} },
);
