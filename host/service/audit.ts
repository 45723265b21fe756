/**
 * The audit log: one JSON line for everything that was asked to act, append-only. Each line carries
 * the SHA-256 of the line before, so that a line that was changed, removed or put in between shows.
 * A file that has become large is closed under another name, for whoever archives it; the chain goes
 * on in the next one, whose first line says so.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
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

/** What the first line of a file says that goes on where another one ended. */
const CONTINUE = "continue";
const DIGITS = 12;

export interface AuditState {
  /** Sequence of the first line; 1 more than the count when there is none. */
  readonly first: number;
  /** Sequence of the last line. */
  readonly count: number;
  /** Hash of the last line. */
  readonly head: string;
  /** Behind it: a line that a crash or a power loss cut short, which nobody was told of. */
  readonly tornBytes: number;
}

export class AuditLog {
  readonly #path: string;
  readonly #bytesMax: number;
  #file: number;
  /** Of whole lines. */
  #bytes: number;
  /** Part of a line may be behind them. */
  #isTorn = false;
  #state: AuditState;
  /** Of a line cut short, which was taken off when it was opened. */
  readonly removedBytes: number;

  /**
   * Goes on where the last whole line ends; what is behind it is taken off.
   *
   * @param bytesMax above it the file is closed as `NAME-FIRST-LAST.jsonl`, and begun anew
   * @throws ERR_STATE when the chain of the whole lines is broken, ERR_CONFIG
   */
  constructor(path: string, bytesMax = Number.POSITIVE_INFINITY) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#file = opened(path);
    try {
      const bytes = readFileSync(path);
      this.#bytes = bytes.byteLength;
      const found = verifyAudit(bytes, path);
      // Ended between the closing of a file and the first whole line of the next.
      this.#state = found.count === 0 ? (lastClosed(path) ?? found) : found;
      this.removedBytes = found.tornBytes;
      if (this.removedBytes > 0) this.#takeOff(bytes.byteLength - this.removedBytes);
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  #takeOff(wholeBytes: number): void {
    ftruncateSync(this.#file, wholeBytes);
    fsyncSync(this.#file);
    this.#bytes = wholeBytes;
    this.#state = { ...this.#state, tornBytes: 0 };
  }

  /** @throws what the disk throws; then the line is not in the file, nor a part of it */
  append(entry: AuditEntry): void {
    if (this.#isTorn) this.#takeOffPart();
    if (this.#bytes > this.#bytesMax) this.#closeFile();
    const { timeMs } = entry;
    const { count } = this.#state;
    if (this.#bytes === 0 && count > 0) {
      const subject = basename(this.#path);
      const outcome = `after line ${count}`;
      this.#write({ timeMs, caller: "reprise", action: CONTINUE, subject, outcome });
    }
    this.#write(entry);
  }

  #write(entry: AuditEntry): void {
    const { count, head } = this.#state;
    const line: AuditLine = { sequence: count + 1, ...entry, previous: head };
    const text = JSON.stringify(line);
    const bytes = Buffer.from(`${text}\n`);
    this.#isTorn = true;
    try {
      // A disk that becomes full takes a part of it first.
      for (let done = 0; done < bytes.byteLength; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      this.#takeOffPart();
      throw error;
    }
    this.#isTorn = false;
    this.#bytes += bytes.byteLength;
    this.#state = { ...this.#state, count: count + 1, head: hashOf(text), tornBytes: 0 };
  }

  #takeOffPart(): void {
    ftruncateSync(this.#file, this.#bytes);
    this.#isTorn = false;
  }

  #closeFile(): void {
    const { first, count } = this.#state;
    this.flush();
    const closed = closedName(this.#path, first, count);
    const before = this.#file;
    renameSync(this.#path, closed);
    try {
      this.#file = opened(this.#path);
    } catch {
      // It grows on instead, and is closed with the next line for which another one can be begun.
      renameSync(closed, this.#path);
      return;
    }
    closeSync(before);
    this.#bytes = 0;
    this.#state = { ...this.#state, first: count + 1 };
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

/**
 * @param before of the file that this one goes on from; without it its own first line is believed
 * @throws ERR_STATE naming the first whole line that does not follow from the one before
 */
export function verifyAudit(bytes: Uint8Array, file: string, before?: AuditState): AuditState {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, end)).split("\n").slice(0, -1);
  const [start] = lines.slice(0, 1).map(parsed);
  let { count, head } = before ?? baseOf(start);
  const first = count + 1;
  for (const [index, line] of lines.entries()) {
    const entry = parsed(line);
    if (entry?.sequence !== count + 1 || entry.previous !== head) {
      throw broken(file, index + 1, "the line does not follow from the one before");
    }
    count++;
    head = hashOf(line);
  }
  return { first, count, head, tornBytes: bytes.byteLength - end };
}

function baseOf(start: AuditLine | undefined): { count: number; head: string } {
  const { action, sequence = 0, previous } = start ?? {};
  const isContinued = action === CONTINUE && Number.isSafeInteger(sequence) && sequence > 1;
  return isContinued ? { count: sequence - 1, head: `${previous}` } : { count: 0, head: FIRST };
}

function opened(path: string): number {
  try {
    return openSync(path, "a+", 0o600);
  } catch (cause) {
    throw new RepriseError("ERR_CONFIG", "the audit log cannot be opened", { file: path }, cause);
  }
}

/** `audit.jsonl` -> `audit-000000000001-000000001000.jsonl`: their order is that of the lines. */
function closedName(path: string, first: number, last: number): string {
  const [from, to] = [first, last].map((each) => String(each).padStart(DIGITS, "0"));
  return `${stemOf(path)}-${from}-${to}.jsonl`;
}

/** Where the newest closed file ended; undefined when there is none. */
function lastClosed(path: string): AuditState | undefined {
  const stem = basename(stemOf(path));
  const pattern = new RegExp(`^-\\d{${DIGITS}}-\\d{${DIGITS}}\\.jsonl$`);
  const closed = readdirSync(dirname(path)).filter(
    (name) => name.startsWith(stem) && pattern.test(name.slice(stem.length)),
  );
  const newest = closed.sort().at(-1);
  if (newest === undefined) return undefined;
  const file = join(dirname(path), newest);
  const state = verifyAudit(readFileSync(file), file);
  return { ...state, first: state.count + 1, tornBytes: 0 };
}

function stemOf(path: string): string {
  return path.replace(/\.jsonl$/, "");
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
