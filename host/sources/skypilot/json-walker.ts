import { RepriseError } from "../../lib/errors.js";
import type { JsonToken } from "./json-tokens.js";

const DEPTH_MAX = 16;
const WORD = /^(-?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null|NaN)$/i;

/** What may come next: a value, a key, the colon after it, what follows a value, nothing more. */
type Place = "value" | "key" | "colon" | "after" | "done";

interface Level {
  readonly kind: "object" | "array";
  readonly name: string;
}

/** A value that is no object or array; `text` as written. `path` names keys, `[]` an item. */
export interface JsonScalar {
  readonly path: string;
  readonly kind: "string" | "word";
  readonly text: string;
  readonly line: number;
}

/**
 * Checks the grammar of JSON token by token and gives out the scalars with their path, so that a
 * long array is never held. Lets NaN pass as Python writes it.
 */
export class JsonWalker {
  readonly #file: string;
  readonly #onScalar: (scalar: JsonScalar) => void;
  readonly #levels: Level[] = [];
  #place: Place = "value";
  #key = "";
  /** True right after an opening bracket, when the closing one may follow. */
  #fresh = false;

  constructor(file: string, onScalar: (scalar: JsonScalar) => void) {
    this.#file = file;
    this.#onScalar = onScalar;
  }

  /** @throws ERR_TRACE_FORMAT at the first token that does not belong */
  take(token: JsonToken): void {
    const mark = token.kind === "mark" ? token.text : "";
    const level = this.#levels.at(-1);
    const closes = level !== undefined && mark === closing(level);
    if (closes && (this.#place === "after" || this.#fresh)) {
      this.#leave();
      return;
    }
    switch (this.#place) {
      case "value":
        this.#takeValue(token, mark);
        break;
      case "key":
        if (token.kind !== "string") this.#refuse(token, "a key");
        this.#key = token.text;
        this.#place = "colon";
        break;
      case "colon":
        if (mark !== ":") this.#refuse(token, ":");
        this.#place = "value";
        break;
      case "after":
        if (mark !== ",") this.#refuse(token, `, or ${level === undefined ? "" : closing(level)}`);
        this.#place = level?.kind === "object" ? "key" : "value";
        break;
      default:
        this.#refuse(token, "the end of the file");
    }
    this.#fresh = mark === "{" || mark === "[";
  }

  /** @throws ERR_TRACE_FORMAT when the document is not complete */
  end(line: number): void {
    if (this.#place === "done") return;
    throw new RepriseError("ERR_TRACE_FORMAT", "the file ends inside its JSON", {
      file: this.#file,
      line,
      field: this.#where(),
    });
  }

  #takeValue(token: JsonToken, mark: string): void {
    if (mark === "{" || mark === "[") {
      if (this.#levels.length >= DEPTH_MAX) this.#refuse(token, `at most ${DEPTH_MAX} levels`);
      const name = this.#name();
      this.#levels.push({ kind: mark === "{" ? "object" : "array", name });
      this.#place = mark === "{" ? "key" : "value";
      return;
    }
    const { kind, text, line } = token;
    if (kind === "mark" || (kind === "word" && !WORD.test(text))) this.#refuse(token, "a value");
    this.#onScalar({ path: this.#path(), kind, text, line });
    this.#place = this.#levels.length === 0 ? "done" : "after";
  }

  #leave(): void {
    this.#levels.pop();
    this.#fresh = false;
    this.#place = this.#levels.length === 0 ? "done" : "after";
  }

  #name(): string {
    const level = this.#levels.at(-1);
    if (level === undefined) return "";
    return level.kind === "array" ? `${level.name}[]` : `${level.name}.${this.#key}`;
  }

  #path(): string {
    const name = this.#name();
    return name.startsWith(".") ? name.slice(1) : name;
  }

  #where(): string {
    const path = this.#path();
    return path === "" ? "document" : path;
  }

  #refuse(token: JsonToken, expected: string): never {
    throw new RepriseError("ERR_TRACE_FORMAT", "this is not JSON", {
      file: this.#file,
      line: token.line,
      field: this.#where(),
      got: token.text,
      expected,
    });
  }
}

function closing(level: Level): string {
  return level.kind === "object" ? "}" : "]";
}
