/** Samples in: one, a batch, or a stream of lines. */
import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { Sample } from "../../sources/sample.js";
import type { AppParts } from "../app.js";
import { SampleReport, SamplesBody } from "../schemas.js";

export function sampleRoutes(api: FastifyInstance, { runtime, metrics }: AppParts): void {
  const tags = ["samples"];

  api.post<{ Body: Sample | Sample[] }>(
    "/samples",
    {
      config: { role: "observe" },
      schema: { tags, body: SamplesBody, response: { 200: SampleReport } },
    },
    async ({ body }) => offer(Array.isArray(body) ? body : [body]),
  );

  // Lines are taken in as they come, so that a stream may be longer than memory.
  api.addContentTypeParser("application/x-ndjson", (_request, payload, done) => {
    done(null, payload);
  });

  api.post<{ Body: AsyncIterable<Buffer> }>(
    "/samples/stream",
    {
      config: { role: "observe" },
      schema: {
        tags,
        consumes: ["application/x-ndjson"],
        description: "one sample a line; a line that is none ends the stream with its number",
        response: { 200: SampleReport },
      },
    },
    async ({ body }) => {
      const total = { accepted: 0, dropped: {} as Record<string, number> };
      for await (const samples of batchesOf(body)) {
        const { accepted, dropped } = offer(samples);
        total.accepted += accepted;
        for (const [reason, count] of Object.entries(dropped)) {
          total.dropped[reason] = (total.dropped[reason] ?? 0) + count;
        }
      }
      return total;
    },
  );

  function offer(samples: readonly Sample[]) {
    const report = runtime.offer(samples);
    metrics.samples(report.accepted, report.dropped);
    return report;
  }
}

/** The samples of each chunk that came in. @throws ERR_TRACE_FORMAT naming the line */
async function* batchesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Sample[]> {
  const decoder = new TextDecoder();
  let rest = "";
  let line = 0;
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LIMITS.traceLineBytesMax) throw badLine(line + 1, "a shorter line");
    yield lines.flatMap((text) => sampleOf(text, ++line));
  }
  yield sampleOf(rest, line + 1);
}

function sampleOf(text: string, line: number): Sample[] {
  if (text.trim() === "") return [];
  try {
    return [JSON.parse(text) as Sample];
  } catch {
    throw badLine(line, "one JSON object a line");
  }
}

function badLine(line: number, expected: string): RepriseError {
  return new RepriseError("ERR_TRACE_FORMAT", "the line is no sample", { line, expected });
}
