/** Pools and what is reserved on them. */
import { type Static, Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import type { PoolView } from "../../allocator/types.js";
import type { ReservationRecord } from "../../ledger/records.js";
import type { AppParts } from "../app.js";
import { namedAmounts, namedPhases } from "../named.js";
import { pageFrom } from "../paging.js";
import { Id, type Page, PageQuery, Pool, pageOf, Reservation } from "../schemas.js";

const NodeParams = Type.Object({ nodeId: Id });
const GroupParams = Type.Object({ groupId: Id });
const ReservationParams = Type.Object({ reservationId: Id });

export function poolRoutes(api: FastifyInstance, { runtime }: AppParts): void {
  const { allocator } = runtime;
  const tags = ["pools"];

  api.get<{ Querystring: Page }>(
    "/pools/nodes",
    {
      config: { role: "read" },
      schema: { tags, querystring: PageQuery, response: { 200: pageOf(Pool) } },
    },
    async ({ query }) =>
      pageFrom(allocator.nodeIds(), query, (ids) =>
        ids.map((id) => poolReply(allocator.pool("node", id))),
      ),
  );

  api.get<{ Params: Static<typeof NodeParams> }>(
    "/pools/nodes/:nodeId",
    { config: { role: "read" }, schema: { tags, params: NodeParams, response: { 200: Pool } } },
    async ({ params }) => poolReply(allocator.pool("node", params.nodeId)),
  );

  api.get<{ Params: Static<typeof GroupParams> }>(
    "/pools/groups/:groupId",
    { config: { role: "read" }, schema: { tags, params: GroupParams, response: { 200: Pool } } },
    async ({ params }) => poolReply(allocator.pool("group", params.groupId)),
  );

  api.get(
    "/pools/total",
    { config: { role: "read" }, schema: { tags, response: { 200: Pool } } },
    async () => poolReply(allocator.pool("total", "total")),
  );

  api.get<{ Querystring: Page }>(
    "/reservations",
    {
      config: { role: "read" },
      schema: { tags, querystring: PageQuery, response: { 200: pageOf(Reservation) } },
    },
    async ({ query }) => {
      const byId = new Map([...allocator.reservations()].map((each) => [each.reservationId, each]));
      return pageFrom(byId.keys(), query, (ids) =>
        ids.flatMap((id) => byId.get(id) ?? []).map(reservationReply),
      );
    },
  );

  api.get<{ Params: Static<typeof ReservationParams> }>(
    "/reservations/:reservationId",
    {
      config: { role: "read" },
      schema: { tags, params: ReservationParams, response: { 200: Reservation } },
    },
    async ({ params: { reservationId } }, reply) => {
      const found = allocator.reservation(reservationId);
      if (found === undefined) return reply.callNotFound();
      return reservationReply(found);
    },
  );
}

export function poolReply({
  kind,
  id,
  allocatable,
  allocated,
  reserved,
  headroom,
  target,
}: PoolView) {
  return {
    kind,
    id,
    allocatable: namedAmounts(allocatable),
    allocated: namedAmounts(allocated),
    reserved: namedPhases(reserved),
    headroom: namedPhases(headroom),
    target: namedPhases(target),
  };
}

function reservationReply(reservation: ReservationRecord) {
  return { ...reservation, amounts: namedPhases(reservation.amounts) };
}
