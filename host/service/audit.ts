/**
 * The audit log: one JSON line for everything that was asked to act, append-only. Each line carries
 * the SHA-256 of the line before, so that a line that was changed, removed or put in between shows.
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { RepriseError } from "../lib/errors.js";

export interface AuditEntry {
  readonly timeMs: number;
  readonly caller: string;
  readonly action: string;
  readonly subject: string;
  readonly outcome: string;
}

interface AuditLine extends AuditEntry {
  readonly sequence: number;
  readonly previous: string;
}

const FIRST = "0".repeat(64);

export interface AuditState {
  readonly count: number;
  /** Hash of the last line. */
  readonly head: string;
}

export class AuditLog {
  readonly #file: number;
  #state: AuditState;

  /** Goes on where the file ends. @throws ERR_STATE when its chain is broken, ERR_CONFIG */
  constructor(path: string) {
    try {
      this.#file = openSync(path, "a+", 0o600);
    } catch (cause) {
      throw new RepriseError("ERR_CONFIG", "the audit log cannot be opened", { file: path }, cause);
    }
    this.#state = verifyAudit(readFileSync(path, "utf8"), path);
  }

  append(entry: AuditEntry): void {
    const { count, head } = this.#state;
    const line: AuditLine = { sequence: count + 1, ...entry, previous: head };
    const text = JSON.stringify(line);
    writeSync(this.#file, `${text}\n`);
    this.#state = { count: count + 1, head: hashOf(text) };
  }

  /** Waits until the disk has it all. */
  flush(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}

/** @throws ERR_STATE naming the first line that does not follow from the one before */
export function verifyAudit(text: string, file: string): AuditState {
  let state: AuditState = { count: 0, head: FIRST };
  const lines = text.split("\n");
  // A line that a crash cut short was never acknowledged, but nothing may be written behind it.
  const last = lines.pop();
  if (last !== "") throw broken(file, lines.length + 1, "the last line is cut short");
  for (const line of lines) {
    const entry = parsed(line);
    if (entry?.sequence !== state.count + 1 || entry.previous !== state.head) {
      throw broken(file, state.count + 1, "the line does not follow from the one before");
    }
    state = { count: state.count + 1, head: hashOf(line) };
  }
  return state;
}

function parsed(line: string): AuditLine | undefined {
  try {
    return JSON.parse(line) as AuditLine;
  } catch {
    return undefined;
  }
}

function broken(file: string, line: number, text: string): RepriseError {
  return new RepriseError("ERR_STATE", `the audit log is broken: ${text}`, { file, line });
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
