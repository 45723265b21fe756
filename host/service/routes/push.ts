/** Metrics that others already produce, pushed in: Prometheus remote-write and OpenTelemetry. */
import { gunzipSync } from "node:zlib";
import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../lib/errors.js";
import { readOtlpBinary } from "../../sources/push/otlp-binary.js";
import { readOtlpJson } from "../../sources/push/otlp-json.js";
import { readRemoteWrite } from "../../sources/push/remote-write.js";
import type { AppParts } from "../app.js";

/** A message may be so many times as large once it is uncompressed. */
const GROWTH_MAX = 8;

const tags = ["samples"];

export function pushRoutes(api: FastifyInstance, { config, pushed }: AppParts): void {
  const bytesMax = config.http.bodyBytesMax * GROWTH_MAX;
  readBytes(api);

  api.post<{ Body: Buffer }>(
    "/remote-write",
    {
      config: { role: "observe" },
      schema: {
        tags,
        description: "Prometheus remote-write 1.0; what no mapping names is left out",
        consumes: ["application/x-protobuf"],
      },
    },
    async ({ body }, reply) => {
      pushed.take(readRemoteWrite(body, bytesMax));
      reply.code(204);
    },
  );

  api.post<{ Body: Buffer }>(
    "/metrics",
    {
      config: { role: "observe" },
      schema: {
        tags,
        description: "OpenTelemetry metrics over HTTP, gauges and sums of them",
        consumes: ["application/x-protobuf", "application/json"],
      },
    },
    async ({ body, headers }, reply) => {
      const bytes = headers["content-encoding"] === "gzip" ? unzipped(body, bytesMax) : body;
      const isJson = (headers["content-type"] ?? "").startsWith("application/json");
      pushed.take(isJson ? readOtlpJson(bytes) : readOtlpBinary(bytes));
      // The answer is a message without fields: no bytes, or an object without keys.
      reply.type(isJson ? "application/json" : "application/x-protobuf");
      return isJson ? "{}" : Buffer.alloc(0);
    },
  );
}

/** Both protocols say in headers how the bytes are to be read. */
function readBytes(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  const types = ["application/x-protobuf", "application/json"];
  api.addContentTypeParser(types, { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
}

function unzipped(body: Buffer, bytesMax: number): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: bytesMax });
  } catch (cause) {
    const expected = `a gzip stream of at most ${bytesMax} bytes`;
    throw new RepriseError("ERR_TRACE_FORMAT", "the body cannot be unzipped", { expected }, cause);
  }
}
