/**
 * The audit log: one JSON line for everything that was asked to act, append-only. Each line carries
 * the SHA-256 of the line before, so that a line that was changed, removed or put in between shows.
 */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
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

const NEWLINE = 10;
const FIRST = "0".repeat(64);

export interface AuditState {
  readonly count: number;
  /** Hash of the last line. */
  readonly head: string;
  /** Behind it: a line that a crash or a power loss cut short, which nobody was told of. */
  readonly tornBytes: number;
}

export class AuditLog {
  readonly #file: number;
  #state: AuditState;
  /** Of a line cut short, which was taken off when it was opened. */
  readonly removedBytes: number;

  /**
   * Goes on where the last whole line ends; what is behind it is taken off.
   *
   * @throws ERR_STATE when the chain of the whole lines is broken, ERR_CONFIG
   */
  constructor(path: string) {
    try {
      this.#file = openSync(path, "a+", 0o600);
    } catch (cause) {
      throw new RepriseError("ERR_CONFIG", "the audit log cannot be opened", { file: path }, cause);
    }
    try {
      const bytes = readFileSync(path);
      this.#state = verifyAudit(bytes, path);
      this.removedBytes = this.#state.tornBytes;
      if (this.removedBytes > 0) this.#takeOff(bytes.byteLength - this.removedBytes);
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  #takeOff(wholeBytes: number): void {
    ftruncateSync(this.#file, wholeBytes);
    fsyncSync(this.#file);
    this.#state = { ...this.#state, tornBytes: 0 };
  }

  append(entry: AuditEntry): void {
    const { count, head } = this.#state;
    const line: AuditLine = { sequence: count + 1, ...entry, previous: head };
    const text = JSON.stringify(line);
    writeSync(this.#file, `${text}\n`);
    this.#state = { count: count + 1, head: hashOf(text), tornBytes: 0 };
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

/** @throws ERR_STATE naming the first whole line that does not follow from the one before */
export function verifyAudit(bytes: Uint8Array, file: string): AuditState {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  let state: AuditState = { count: 0, head: FIRST, tornBytes: bytes.byteLength - end };
  const text = new TextDecoder().decode(bytes.subarray(0, end));
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = parsed(line);
    if (entry?.sequence !== state.count + 1 || entry.previous !== state.head) {
      throw broken(file, state.count + 1, "the line does not follow from the one before");
    }
    state = { ...state, count: state.count + 1, head: hashOf(line) };
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
