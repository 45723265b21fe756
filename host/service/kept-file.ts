import { renameSync } from "node:fs";
import { repeatEvery } from "../lib/clock.js";
import { readLearntFile, writeLearntFile } from "../profiler/learnt-file.js";

const SAVE_EVERY_MS = 5 * 60_000;

/** What a running service keeps in a file beside the ledger. */
export interface KeptContent {
  /** Takes up what was saved; why not, if it is damaged or does not fit. */
  take(bytes: Uint8Array): string | undefined;
  save(): Uint8Array;
}

/** A file that is saved now and then and taken up again by the next process. */
export class KeptFile {
  readonly #file: string;
  readonly #content: KeptContent;
  #stop: (() => Promise<void>) | undefined;

  constructor(file: string, content: KeptContent) {
    this.#file = file;
    this.#content = content;
  }

  /**
   * Takes up what was saved. What cannot be is put aside under `.refused`, for it would be written
   * over.
   *
   * @returns why nothing was taken up although there is a file
   */
  restore(): string | undefined {
    const bytes = readLearntFile(this.#file);
    const refused = bytes === undefined ? undefined : this.#content.take(bytes);
    if (refused !== undefined) renameSync(this.#file, `${this.#file}.refused`);
    return refused;
  }

  start(onError: (error: unknown) => void): void {
    this.#stop = repeatEvery(SAVE_EVERY_MS, async () => {
      try {
        this.save();
      } catch (error) {
        onError(error);
      }
    });
  }

  /** @throws what the file system throws; then the file is as it was */
  save(): void {
    writeLearntFile(this.#file, this.#content.save());
  }

  /** The last save; what it is taken from has to be open still. */
  async close(): Promise<void> {
    await this.#stop?.();
    this.save();
  }
}
