/** The part of `reprise.yaml` about metrics that others push in. */
import { Type } from "@sinclair/typebox";
import { PUSH_RESOURCES } from "../../sources/push/mapping.js";

const strict = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 500 });

const Mapping = Type.Object(
  {
    metric: Type.String({ minLength: 1, maxLength: 500, description: "its whole name" }),
    match: Type.Record(Type.String(), Type.String(), {
      default: {},
      description: "labels that have to be so",
    }),
    instance: Type.String({
      ...Text,
      description: "{namespace}/{pod}: each name in braces is a label",
    }),
    resource: Type.Union(PUSH_RESOURCES.map((name) => Type.Literal(name))),
    scale: Type.Number({
      default: 1,
      exclusiveMinimum: 0,
      description: "the metric's unit in cores, GiB, Mbps or MB/s: 9.313225746154785e-10 of bytes",
    }),
    kind: Type.Union([Type.Literal("gauge"), Type.Literal("counter")], {
      default: "gauge",
      description: "of a counter its rise a second counts",
    }),
  },
  strict,
);

export const PushSchema = Type.Object(
  {
    mappings: Type.Array(Mapping, {
      default: [],
      maxItems: 1_000,
      description: "the first that fits a series has it; others are left out",
    }),
    windowSeconds: Type.Number({
      minimum: 1,
      maximum: 3_600,
      default: 60,
      description: "one sample for each; at least the interval in which metrics come",
    }),
    settleSeconds: Type.Number({
      minimum: 0,
      maximum: 600,
      default: 5,
      description: "a window is over when nothing was said of it for so long",
    }),
    seriesMax: Type.Integer({ minimum: 1, maximum: 10_000_000, default: 200_000 }),
  },
  { ...strict, default: {} },
);
