/** Live changes as server-sent events. */
import type { FastifyInstance } from "fastify";
import { repeatEvery } from "../../lib/clock.js";
import type { AppParts } from "../app.js";
import type { Drain } from "../drain.js";
import type { NumberedEvent } from "../events.js";

const HEARTBEAT_MS = 15_000;
/** A client that reads slower than this much piles up is cut off; it may come back with its last id. */
const WAITING_BYTES_MAX = 1_048_576;

export function streamRoutes(api: FastifyInstance, parts: AppParts, drain: Drain): void {
  const { runtime, config } = parts;
  const { events } = runtime;

  api.get(
    "/events",
    {
      config: { role: "read" },
      schema: {
        tags: ["events"],
        description:
          "text/event-stream; with the header Last-Event-ID those that came after it are sent first",
        produces: ["text/event-stream"],
      },
    },
    (request, reply) => {
      if (events.followerCount - 1 >= config.http.streamsMax) {
        throw Object.assign(new Error("too many follow already"), { statusCode: 429 });
      }
      reply.hijack();
      const stream = reply.raw;
      stream.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      stream.write("retry: 2000\n\n");
      const lastId = Number(request.headers["last-event-id"] ?? Number.NaN);
      const send = (event: NumberedEvent): void => {
        if (stream.writableLength > WAITING_BYTES_MAX) stream.destroy();
        else stream.write(textOf(event));
      };
      if (Number.isInteger(lastId)) events.since(lastId).forEach(send);
      const leave = events.follow(send);
      const ended = drain.endless(() => stream.end());
      const stop = repeatEvery(HEARTBEAT_MS, async () => {
        stream.write(": alive\n\n");
      });
      stream.on("close", () => {
        leave();
        ended();
        void stop();
      });
    },
  );
}

function textOf({ id, timeMs, event }: NumberedEvent): string {
  return `id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify({ timeMs, ...event })}\n\n`;
}
