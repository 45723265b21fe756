import { RepriseError } from "../../lib/errors.js";

export interface Asked {
  readonly method?: "GET" | "PUT" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  readonly closing: AbortSignal;
}

export interface Told {
  readonly status: number;
  readonly text: string;
  readonly etag: string | null;
}

const TIMEOUT_MS = 2_000;
const BYTES_MAX = 256 * 1024;

/** The metadata server of a cloud: near, quick, never by way of another address. */
export class MetadataClient {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint.replace(/\/+$/, "");
  }

  /** Any status is an answer. @throws ERR_SAMPLE_UNAVAILABLE when there is none */
  async ask(path: string, asked: Asked): Promise<Told> {
    const { method = "GET", headers = {}, body, timeoutMs = TIMEOUT_MS, closing } = asked;
    const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
    try {
      const answer = await fetch(`${this.#endpoint}${path}`, {
        method,
        headers,
        signal,
        redirect: "error",
        ...(body === undefined ? {} : { body }),
      });
      return {
        status: answer.status,
        text: await textOf(answer),
        etag: answer.headers.get("etag"),
      };
    } catch (cause) {
      const details = { field: path, expected: "an answer of the metadata server" };
      throw new RepriseError("ERR_SAMPLE_UNAVAILABLE", "the cloud is silent", details, cause);
    }
  }
}

/** @throws ERR_SAMPLE_UNAVAILABLE for any status but 200 */
export function requireOk({ status, text }: Told, path: string): string {
  if (status === 200) return text;
  throw new RepriseError("ERR_SAMPLE_UNAVAILABLE", "the metadata server does not tell", {
    field: path,
    got: status,
    expected: "status 200",
  });
}

/** @throws ERR_TRACE_FORMAT */
export function parseJson(text: string, expected: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw strange(text, expected, cause);
  }
}

export function strange(got: unknown, expected: string, cause?: unknown): RepriseError {
  const details = { got: String(got).slice(0, 120), expected };
  return new RepriseError("ERR_TRACE_FORMAT", "not the shape of a notice", details, cause);
}

async function textOf(answer: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BYTES_MAX) throw new RangeError(`more than ${BYTES_MAX} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
