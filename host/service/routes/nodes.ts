/** Machines: which there are, and which of them may be lost. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import type { AppParts } from "../app.js";
import { amountsOf } from "../runtime.js";
import {
  Hint,
  HintBody,
  type HintRequest,
  Id,
  NodeBody,
  type NodeRequest,
  Pool,
} from "../schemas.js";
import { poolReply } from "./pools.js";

const NodeParams = Type.Object({ nodeId: Id });

export function nodeRoutes(api: FastifyInstance, { runtime }: AppParts): void {
  const { allocator, events, clock } = runtime;
  const tags = ["pools"];

  api.put<{ Body: NodeRequest }>(
    "/nodes",
    { config: { role: "admin" }, schema: { tags, body: NodeBody, response: { 200: Pool } } },
    async ({ body: { nodeId, allocatable } }) => {
      const amounts = amountsOf(allocatable);
      if (allocator.hasNode(nodeId)) allocator.resizeNode(nodeId, amounts);
      else allocator.addNode({ nodeId, allocatable: amounts });
      events.publish({ kind: "node", nodeId, there: true }, clock.nowMs());
      return poolReply(allocator.pool("node", nodeId));
    },
  );

  api.delete<{ Params: Static<typeof NodeParams> }>(
    "/nodes/:nodeId",
    { config: { role: "admin" }, schema: { tags, params: NodeParams } },
    async ({ params: { nodeId } }, reply) => {
      allocator.removeNode(nodeId);
      events.publish({ kind: "node", nodeId, there: false }, clock.nowMs());
      reply.code(204);
    },
  );

  api.post<{ Params: Static<typeof NodeParams>; Body: HintRequest }>(
    "/nodes/:nodeId/hint",
    {
      config: { role: "observe" },
      schema: {
        tags,
        description: "this node may be lost soon: answered with the chance of it, by past hints",
        params: NodeParams,
        body: HintBody,
        response: { 200: Hint },
      },
    },
    async ({ params: { nodeId }, body: { timeMs } }) => ({
      nodeId,
      lossChance: runtime.coordinator.hint(nodeId, timeMs ?? clock.nowMs()),
    }),
  );
}
