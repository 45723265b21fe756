/**
 * Who may do what. Tokens come from a file of JSON lines that holds their SHA-256 only; a role
 * includes those before it.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { RepriseError } from "../lib/errors.js";

export const ROLES = ["read", "observe", "decide", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface Caller {
  readonly name: string;
  readonly role: Role;
}

interface Token extends Caller {
  readonly hash: Buffer;
}

const TOKENS_MAX = 10_000;

export class TokenFile {
  readonly #file: string;
  #tokens: readonly Token[];

  /** @throws ERR_CONFIG naming the line */
  constructor(file: string) {
    this.#file = file;
    this.#tokens = readTokens(file);
  }

  /** Takes up what the file says now; on an error the tokens before stay. @throws ERR_CONFIG */
  reload(): void {
    this.#tokens = readTokens(this.#file);
  }

  /** Compares with every token, in a time that does not depend on which one matches. */
  find(secret: string): Caller | undefined {
    const hash = createHash("sha256").update(secret).digest();
    let found: Token | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.hash, hash)) found = token;
    return found === undefined ? undefined : { name: found.name, role: found.role };
  }
}

export function includesRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

function readTokens(file: string): Token[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new RepriseError("ERR_CONFIG", "the tokens cannot be read", { file }, cause);
  }
  const lines = text.split("\n").map((line, index) => ({ text: line.trim(), line: index + 1 }));
  const tokens = lines
    .filter((each) => each.text !== "" && !each.text.startsWith("#"))
    .map((each) => toToken(each.text, { file, line: each.line }));
  if (tokens.length > 0 && tokens.length <= TOKENS_MAX) return tokens;
  throw new RepriseError("ERR_CONFIG", "tokens in the file", {
    file,
    got: tokens.length,
    expected: `1 to ${TOKENS_MAX}`,
  });
}

function toToken(text: string, place: { readonly file: string; readonly line: number }): Token {
  const expected = `{ "name": "...", "role": "${ROLES.join("|")}", "sha256": "64 hex digits" }`;
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    // The line may hold a secret, so it is not shown.
    throw new RepriseError("ERR_CONFIG", "the line is no JSON", { ...place, expected }, cause);
  }
  const { name, role, sha256 } = value ?? {};
  const isRole = (ROLES as readonly unknown[]).includes(role);
  if (typeof name === "string" && isRole && typeof sha256 === "string") {
    if (/^[0-9a-f]{64}$/i.test(sha256)) {
      return { name, role: role as Role, hash: Buffer.from(sha256, "hex") };
    }
  }
  throw new RepriseError("ERR_CONFIG", "the line is no token", { ...place, expected });
}
