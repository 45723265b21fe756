/** Each record carries the first half of its own SHA-256, so that one that was damaged shows. */
import crypto from "node:crypto";

const CHECKSUM_CHARACTERS = 16;

export function sealed(body: string): string {
  return checksum(body) + body;
}

/** The body of a sealed text; undefined when it is not what was sealed. */
export function unsealed(text: string): string | undefined {
  const body = text.slice(CHECKSUM_CHARACTERS);
  return text.startsWith(checksum(body)) ? body : undefined;
}

/** Node 20.12 and later hash a text in one call, at a third of the time. */
const inOneCall: typeof crypto.hash | undefined = crypto.hash;

function checksum(body: string): string {
  return sha256(body).slice(0, CHECKSUM_CHARACTERS);
}

/** Of the text's UTF-8 bytes, in hexadecimal. */
export function sha256(text: string): string {
  return inOneCall === undefined
    ? crypto.createHash("sha256").update(text).digest("hex")
    : inOneCall("sha256", text, "hex");
}
