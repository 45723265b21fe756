/** The dashboard's built files, served from the package. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

/** From build/js/host/service. */
const ROOT = fileURLToPath(new URL("../../../web/", import.meta.url));

/** A service whose dashboard was not built is a service without one. */
export async function addDashboard(app: FastifyInstance): Promise<void> {
  if (!existsSync(`${ROOT}index.html`)) return;
  await app.register(fastifyStatic, {
    root: ROOT,
    // One route a file: what is not there stays a problem in JSON like everywhere.
    wildcard: false,
    setHeaders(reply, path) {
      // The names of assets change with their content, that of the page does not.
      const isAsset = path.includes("/assets/");
      reply.setHeader(
        "cache-control",
        isAsset ? "public, max-age=31536000, immutable" : "no-cache",
      );
    },
    cacheControl: false,
  });
}
