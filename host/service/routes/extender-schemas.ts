/** What of the scheduler's messages is read has to have its shape; of the rest anything goes. */
import { type TSchema, Type } from "@sinclair/typebox";

// Objects of Kubernetes have more fields than are read, and nil is null.
const open = { additionalProperties: true } as const;
const nullable = (schema: TSchema) => Type.Optional(Type.Union([schema, Type.Null()]));
const text = nullable(Type.String());

const Amounts = nullable(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])));
const Resources = nullable(Type.Object({ requests: Amounts }, open));
const Containers = nullable(
  Type.Array(Type.Object({ restartPolicy: text, resources: Resources }, open)),
);
const Owner = Type.Object({ uid: text, controller: nullable(Type.Boolean()) }, open);
const Metadata = Type.Object(
  {
    ...{ name: text, namespace: text, uid: text },
    annotations: nullable(Type.Record(Type.String(), Type.String())),
    ownerReferences: nullable(Type.Array(Owner)),
  },
  open,
);
const Spec = Type.Object(
  {
    priority: nullable(Type.Number()),
    ...{ containers: Containers, initContainers: Containers },
    ...{ overhead: Amounts, resources: Resources },
  },
  open,
);
const pod = { metadata: Type.Optional(Metadata), spec: Type.Optional(Spec) };
const PodBody = Type.Object(pod, open);

const NodeBody = Type.Object(
  { metadata: Type.Object({ name: Type.String({ minLength: 1 }) }, open) },
  open,
);
const Victim = Type.Object({ ...pod, UID: Type.Optional(Type.String()) }, open);
const VictimsByNode = Type.Record(
  Type.String(),
  Type.Object(
    { Pods: nullable(Type.Array(Victim)), NumPDBViolations: Type.Optional(Type.Integer()) },
    open,
  ),
);

/** `ExtenderArgs` */
export const Args = Type.Object(
  {
    Pod: PodBody,
    Nodes: nullable(Type.Object({ items: nullable(Type.Array(NodeBody)) }, open)),
    NodeNames: nullable(Type.Array(Type.String())),
  },
  open,
);

/** `ExtenderPreemptionArgs` */
export const PreemptionArgs = Type.Object(
  {
    Pod: PodBody,
    NodeNameToVictims: nullable(VictimsByNode),
    NodeNameToMetaVictims: nullable(VictimsByNode),
  },
  open,
);
