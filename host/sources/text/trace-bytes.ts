import { open } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { RepriseError } from "../../lib/errors.js";

/** Bytes as they come, from a file or from memory. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const READ_BYTES = 32 * 1024;
/** Some 700 lines of the widest trace: small, because a replay holds one such piece a VM. */
const INFLATED_BYTES = 64 * 1024;

/**
 * Streams a trace file's bytes. Gzip is recognised by its first two bytes, never by the name, and
 * at most a few chunks are in memory at once.
 *
 * @throws ERR_ARGUMENT when the file cannot be read, ERR_TRACE_FORMAT when its gzip is damaged
 */
export async function* openTraceBytes(file: string): AsyncGenerator<Uint8Array> {
  yield* inflateTrace(readFileBytes(file), file);
}

/** The same for bytes that are at hand. `file` is only the name that errors carry. */
export async function* inflateTrace(chunks: ByteChunks, file: string): AsyncGenerator<Uint8Array> {
  const iterator = toAsync(chunks);
  try {
    const head: Uint8Array[] = [];
    let headBytes = 0;
    while (headBytes < 2) {
      const next = await iterator.next();
      if (next.done) break;
      head.push(next.value);
      headBytes += next.value.byteLength;
    }
    const start = Buffer.concat(head);
    const whole = resume(start, iterator);
    if (start[0] === 0x1f && start[1] === 0x8b) yield* gunzip(whole, file);
    else yield* whole;
  } finally {
    await iterator.return(undefined);
  }
}

async function* readFileBytes(file: string): AsyncGenerator<Uint8Array> {
  try {
    const handle = await open(file, "r");
    yield* handle.createReadStream({ highWaterMark: READ_BYTES });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new RepriseError("ERR_ARGUMENT", `the file cannot be read: ${text}`, { file }, cause);
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>, file: string) {
  const inflated = createGunzip({ chunkSize: INFLATED_BYTES });
  // Failures arrive through the iteration below, so the callback has nothing left to say.
  pipeline(Readable.from(chunks, { objectMode: true }), inflated, () => {});
  try {
    for await (const chunk of inflated) yield chunk as Uint8Array;
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && String(cause.code).startsWith("Z_"))) {
      throw cause;
    }
    throw new RepriseError(
      "ERR_TRACE_FORMAT",
      `the gzip stream is damaged or cut off: ${cause.message}`,
      { file },
      cause,
    );
  }
}

async function* toAsync(chunks: ByteChunks): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* resume(
  start: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (start.byteLength > 0) yield start;
  yield* rest;
}
