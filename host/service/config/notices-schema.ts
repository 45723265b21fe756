/** The part of `reprise.yaml` about the cloud that may take machines away. */
import { Type } from "@sinclair/typebox";

export const NoticesSchema = Type.Object(
  {
    cloud: Type.Union(
      ["none", "ec2", "gcp", "azure"].map((each) => Type.Literal(each)),
      { default: "none", description: "whose metadata server is asked for notices" },
    ),
    endpoint: Type.Union([Type.String({ pattern: "^https?://" }), Type.Null()], {
      default: null,
      description: "of the metadata server; null: where that cloud has it",
    }),
    pollSeconds: Type.Union([Type.Number({ minimum: 0.05, maximum: 3_600 }), Type.Null()], {
      default: null,
      description: "between two looks; null: 5 s for ec2, else 1 s",
    }),
    acknowledge: Type.Boolean({
      default: false,
      description: "azure: let a loss happen early, once nobody runs on the machines it takes",
    }),
    rebalanceChance: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], {
      default: null,
      description:
        "ec2: a rebalance hint is acted on, unforced, from this learnt chance of a loss on; null: never",
    }),
    nodes: Type.Record(Type.String(), Type.String({ minLength: 1 }), {
      default: {},
      description: "node by the cloud's name of the machine, where they differ",
    }),
  },
  { additionalProperties: false, default: {} },
);
