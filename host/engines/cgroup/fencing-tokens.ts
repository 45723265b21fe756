import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RepriseError } from "../../lib/errors.js";

const FOLDER = "tokens";

/** The highest token that acted on each instance; one small file each, so that it outlives us. */
export class FencingTokens {
  readonly #folder: string;
  readonly #known = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = join(folder, FOLDER);
  }

  get(instanceId: string): number | undefined {
    const known = this.#known.get(instanceId);
    if (known !== undefined) return known;
    const read = this.#read(instanceId);
    if (read !== undefined) this.#known.set(instanceId, read);
    return read;
  }

  /** @throws ERR_CONFIG when it cannot be kept; then nothing may be acted */
  set(instanceId: string, token: number): void {
    if (this.get(instanceId) === token) return;
    const path = this.#path(instanceId);
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(`${path}.new`, String(token));
      renameSync(`${path}.new`, path);
    } catch (cause) {
      throw new RepriseError("ERR_CONFIG", "the token cannot be kept", { file: path }, cause);
    }
    this.#known.set(instanceId, token);
  }

  #read(instanceId: string): number | undefined {
    try {
      const token = Number(readFileSync(this.#path(instanceId), "utf8"));
      return Number.isSafeInteger(token) ? token : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #path(instanceId: string): string {
    return join(this.#folder, encodeURIComponent(instanceId));
  }
}
