/**
 * The shape of `reprise.yaml`. One description serves as check, as JSON Schema for editors
 * (`reprise config schema`) and as TypeScript type.
 */
import { type Static, Type } from "@sinclair/typebox";
import { LIMITS } from "../../lib/limits.js";
import { HostSchema } from "./host-schema.js";
import { NoticesSchema } from "./notices-schema.js";
import { PushSchema } from "./push-schema.js";

const strict = { additionalProperties: false } as const;

const Amounts = Type.Object(
  {
    cpu: Type.Number({ minimum: 0, description: "cores" }),
    memory: Type.Number({ minimum: 0, description: "GiB" }),
    network: Type.Number({ minimum: 0, description: "Mbps, received and sent together" }),
    disk: Type.Number({ minimum: 0, description: "MB/s, the unit of the shipped weights" }),
  },
  strict,
);

const Mode = Type.Union([Type.Literal("off"), Type.Literal("recommend"), Type.Literal("enforce")], {
  description: "off: requests are refused; recommend: decided, nothing acts; enforce: acted on",
});

const Listen = Type.Object(
  {
    host: Type.String({ default: "127.0.0.1", description: "address to listen on" }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8_787, description: "0: any free" }),
  },
  { ...strict, default: {} },
);

const Profiler = Type.Object(
  {
    instancesMax: Type.Integer({
      minimum: 1,
      maximum: LIMITS.instancesMax,
      default: 10_000,
      description: "memory is laid out for so many at start",
    }),
    workers: Type.Integer({
      minimum: 0,
      maximum: LIMITS.workersMax,
      default: 1,
      description: "threads that refresh the predictions; 0 uses the main one",
    }),
    tickSeconds: Type.Number({
      minimum: 0.05,
      maximum: 3_600,
      default: 10,
      description: "how often predictions are refreshed",
    }),
    weights: Type.Optional(
      Type.String({ description: "safetensors file; the one that ships when absent" }),
    ),
  },
  { ...strict, default: {} },
);

const Coordinator = Type.Object(
  {
    tickSeconds: Type.Number({
      minimum: 0.05,
      maximum: 3_600,
      default: 1,
      description: "how often leases and deferred requests are gone through",
    }),
    policy: Type.Record(Type.String(), Type.Number(), {
      default: {},
      description: "numbers of the coordinator's policy by name, see docs/planning.md",
    }),
  },
  { ...strict, default: {} },
);

const Ledger = Type.Object(
  {
    folder: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: "folder of the durable record; null keeps it in memory, for a try",
    }),
    durability: Type.Union([Type.Literal("power-cut"), Type.Literal("process-crash")], {
      default: "power-cut",
      description: "what a commit survives",
    }),
    keepDecisions: Type.Integer({
      minimum: 1,
      maximum: LIMITS.decisionsKeptMax,
      default: 20_000,
      description: "decisions, with all that they looked at, that are kept; the oldest go first",
    }),
    keepDays: Type.Number({
      exclusiveMinimum: 0,
      maximum: 3_650,
      default: 90,
      description: "days after which a decision goes in any case",
    }),
    auditMiB: Type.Number({
      exclusiveMinimum: 0,
      maximum: 4_096,
      default: 64,
      description: "size at which audit.jsonl is closed under another name and begun anew",
    }),
  },
  { ...strict, default: {} },
);

const Auth = Type.Object(
  {
    tokensFile: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: "JSON lines of { name, role, sha256 }; null lets everybody in on loopback",
    }),
  },
  { ...strict, default: {} },
);

const Reload = Type.Object(
  {
    watchSeconds: Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 1,
      description: "between two looks at this file and the tokens; 0: only SIGHUP reads them again",
    }),
  },
  { ...strict, default: {} },
);

const Tls = Type.Object(
  {
    certFile: Type.String({ minLength: 1 }),
    keyFile: Type.String({ minLength: 1 }),
    clientCaFile: Type.Optional(
      Type.String({ minLength: 1, description: "clients need a certificate of this authority" }),
    ),
  },
  strict,
);

const Http = Type.Object(
  {
    bodyBytesMax: Type.Integer({ minimum: 1_024, maximum: 64 * 1024 * 1024, default: 8_388_608 }),
    requestsPerMinute: Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      default: 600_000,
      description: "per client address; above it 429 with Retry-After",
    }),
    decisionWaitMs: Type.Integer({
      minimum: 1,
      maximum: 60_000,
      default: 2_000,
      description: "how long a request waits for its first decision before 202",
    }),
    streamsMax: Type.Integer({
      minimum: 0,
      maximum: 10_000,
      default: 64,
      description: "clients that may follow the events at one time",
    }),
  },
  { ...strict, default: {} },
);

const Node = Type.Object({ nodeId: Type.String({ minLength: 1 }), allocatable: Amounts }, strict);

export const ServiceConfigSchema = Type.Object(
  {
    listen: Listen,
    ledger: Ledger,
    profiler: Profiler,
    coordinator: Coordinator,
    modes: Type.Object(
      {
        default: Type.Union(Mode.anyOf, {
          default: "recommend",
          description: "of all other groups",
        }),
        groups: Type.Record(Type.String(), Mode, { default: {}, description: "mode by group" }),
      },
      { ...strict, default: {} },
    ),
    nodes: Type.Array(Node, {
      default: [],
      maxItems: LIMITS.nodesMax,
      description: "machines known from the start; others come through the API",
    }),
    source: Type.Union([Type.Literal("api"), Type.Literal("host")], {
      default: "api",
      description: "api: samples and lives come over HTTP; host: this machine is watched as well",
    }),
    engine: Type.Union([Type.Literal("dry-run"), Type.Literal("cgroup")], {
      default: "dry-run",
      description: "who carries acts out: dry-run writes them down, cgroup acts on this machine",
    }),
    host: HostSchema,
    push: PushSchema,
    notices: NoticesSchema,
    auth: Auth,
    reload: Reload,
    tls: Type.Optional(Tls),
    http: Http,
    log: Type.Object(
      {
        level: Type.Union(
          ["trace", "debug", "info", "warn", "error", "silent"].map((each) => Type.Literal(each)),
          { default: "info" },
        ),
      },
      { ...strict, default: {} },
    ),
  },
  { ...strict, $id: "reprise-config", title: "Configuration of reprise serve" },
);

export type ServiceConfig = Static<typeof ServiceConfigSchema>;
export type InstanceMode = Static<typeof Mode>;
