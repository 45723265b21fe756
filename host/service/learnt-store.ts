/** What the profiler learnt, in a file beside the ledger: a restarted service is as calibrated. */
import { renameSync } from "node:fs";
import { repeatEvery } from "../lib/clock.js";
import { isRepriseError } from "../lib/errors.js";
import { readLearntFile, writeLearntFile } from "../profiler/learnt-file.js";
import type { Profiler } from "../profiler/profiler.js";

const SAVE_EVERY_MS = 5 * 60_000;

export class LearntStore {
  readonly #file: string;
  readonly #profiler: Profiler;
  #stop: (() => Promise<void>) | undefined;

  constructor(file: string, profiler: Profiler) {
    this.#file = file;
    this.#profiler = profiler;
  }

  /**
   * Takes up what was saved. What does not fit these weights is put aside under `.refused`, for it
   * would be written over.
   *
   * @returns why nothing was taken up although there is a file
   */
  restore(): string | undefined {
    const bytes = readLearntFile(this.#file);
    if (bytes === undefined) return undefined;
    try {
      this.#profiler.restoreLearnt(bytes);
      return undefined;
    } catch (error) {
      if (!isRepriseError(error)) throw error;
      renameSync(this.#file, `${this.#file}.refused`);
      return error.message;
    }
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
    writeLearntFile(this.#file, this.#profiler.snapshotLearnt());
  }

  /** The last save; the profiler has to be open still. */
  async close(): Promise<void> {
    await this.#stop?.();
    this.save();
  }
}
