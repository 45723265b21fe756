/**
 * Tells when files have changed. It looks at them again and again instead of being told by the
 * system: that also sees a ConfigMap's link being turned and files of a network's disk.
 */
import { statSync } from "node:fs";
import { repeatEvery } from "../../lib/clock.js";

export class FileWatch {
  readonly #files: readonly string[];
  readonly #stop: () => Promise<void>;
  #known: string;
  #seen: string;

  /** @param onChange called once the files have stayed as they are for one look */
  constructor(files: readonly string[], everyMs: number, onChange: () => Promise<void>) {
    this.#files = files;
    this.#known = this.#look();
    this.#seen = this.#known;
    this.#stop = repeatEvery(everyMs, async () => {
      const now = this.#look();
      const isSettled = now === this.#seen;
      this.#seen = now;
      if (!isSettled || now === this.#known) return;
      this.#known = now;
      await onChange();
    });
  }

  /** Ends once a change under way is dealt with. */
  async close(): Promise<void> {
    await this.#stop();
  }

  #look(): string {
    return this.#files.map(signatureOf).join("\n");
  }
}

/** A file that is away is a state as well: it comes back. */
function signatureOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? "away" : `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
