/** For those who run it: health, metrics, what is configured. */
import type { FastifyInstance } from "fastify";
import type { AppParts } from "../app.js";

export function operationRoutes(app: FastifyInstance, parts: AppParts): void {
  const { runtime, metrics, version } = parts;
  const tags = ["operations"];

  app.get("/healthz", { schema: { tags } }, async () => ({ status: "ok", version }));

  app.get("/readyz", { schema: { tags } }, async (_request, reply) => {
    const { degraded } = runtime;
    if (degraded !== null) reply.code(503);
    return degraded === null ? { status: "ready" } : { status: "degraded", reason: degraded };
  });

  app.get("/metrics", { schema: { tags } }, async (_request, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });

  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
