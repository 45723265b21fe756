import { RepriseError } from "../../lib/errors.js";

const TOKEN_BYTES_MAX = 256;
const SINGLE = new Set([..."{}[]:,"].map((text) => text.charCodeAt(0)));
const QUOTE = 34;
const BACKSLASH = 92;
const NEWLINE = 10;

/** `text` of a mark is the mark itself; of a word everything between marks: a number or literal. */
export interface JsonToken {
  readonly kind: "mark" | "string" | "word";
  readonly text: string;
  readonly line: number;
}

/**
 * Cuts a byte stream into JSON tokens. Strings keep their escapes; that is enough for key names,
 * and a token has a limit, so memory has one.
 */
export class JsonTokens {
  readonly #file: string;
  readonly #onToken: (token: JsonToken) => void;
  #pending: number[] = [];
  #inString = false;
  #escaped = false;
  #line = 1;

  constructor(file: string, onToken: (token: JsonToken) => void) {
    this.#file = file;
    this.#onToken = onToken;
  }

  /** @throws ERR_TRACE_FORMAT when a token is longer than any of this format */
  push(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === NEWLINE) this.#line++;
      if (this.#inString) this.#takeStringByte(byte);
      else if (byte === QUOTE) {
        this.#flushWord();
        this.#inString = true;
      } else if (SINGLE.has(byte)) {
        this.#flushWord();
        this.#emit("mark", String.fromCharCode(byte));
      } else if (byte === 32 || (byte >= 9 && byte <= 13)) this.#flushWord();
      else this.#append(byte);
    }
  }

  end(): void {
    if (this.#inString) {
      throw new RepriseError("ERR_TRACE_FORMAT", "the file ends inside a string", {
        file: this.#file,
        line: this.#line,
      });
    }
    this.#flushWord();
  }

  get line(): number {
    return this.#line;
  }

  #takeStringByte(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      this.#emit("string", this.#drain());
      return;
    }
    this.#append(byte);
  }

  #append(byte: number): void {
    if (this.#pending.length >= TOKEN_BYTES_MAX) {
      throw new RepriseError("ERR_TRACE_FORMAT", "a value is too long", {
        file: this.#file,
        line: this.#line,
        got: this.#drain(),
        expected: `at most ${TOKEN_BYTES_MAX} bytes`,
      });
    }
    this.#pending.push(byte);
  }

  #flushWord(): void {
    if (this.#pending.length > 0) this.#emit("word", this.#drain());
  }

  #drain(): string {
    const text = Buffer.from(this.#pending).toString("utf8");
    this.#pending = [];
    return text;
  }

  #emit(kind: JsonToken["kind"], text: string): void {
    this.#onToken({ kind, text, line: this.#line });
  }
}
