/** Messages as others send them, for the mutants. */
import { gunzipSync } from "node:zlib";
import { ZIPPED_JSON } from "../support/otlp-bytes.js";

/** What a JavaScript exporter sent. */
export const OTLP_JSON: unknown = JSON.parse(
  gunzipSync(Buffer.from(ZIPPED_JSON, "base64")).toString("utf8"),
);
