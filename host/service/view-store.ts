/**
 * What the dashboard shows of the past, in a file beside the ledger: the pool's last day, how
 * predictions did, the last restarts. Nothing is decided by it, so it is saved now and then.
 */
import { createHash } from "node:crypto";
import { renameSync } from "node:fs";
import { repeatEvery } from "../lib/clock.js";
import { readLearntFile, writeLearntFile } from "../profiler/learnt-file.js";
import type { KeptOutcome } from "./outcomes.js";
import type { PoolPoint } from "./pool-history.js";
import type { SavedQuality } from "./quality.js";
import type { ServiceRuntime } from "./runtime.js";

const FORMAT = "reprise views 1";
const SAVE_EVERY_MS = 5 * 60_000;
/** About 3 MB. */
const OUTCOMES_MAX = 2_000;

interface SavedViews {
  readonly format: string;
  readonly history: readonly PoolPoint[];
  readonly quality: SavedQuality;
  readonly outcomes: readonly (Omit<KeptOutcome, "peaks"> & {
    /** What was not measured is null. */
    readonly peaks: readonly (number | null)[];
  })[];
}

export class ViewStore {
  readonly #file: string;
  readonly #runtime: ServiceRuntime;
  #stop: (() => Promise<void>) | undefined;

  constructor(file: string, runtime: ServiceRuntime) {
    this.#file = file;
    this.#runtime = runtime;
  }

  /**
   * Takes up what was saved. What is damaged or of another format is put aside under `.refused`.
   *
   * @returns why nothing was taken up although there is a file
   */
  restore(): string | undefined {
    const bytes = readLearntFile(this.#file);
    if (bytes === undefined) return undefined;
    const saved = parse(bytes);
    if (typeof saved === "string") {
      renameSync(this.#file, `${this.#file}.refused`);
      return saved;
    }
    const { history, outcomes } = this.#runtime;
    history.restore(saved.history);
    outcomes.quality.restore(saved.quality);
    const measured = (peak: number | null) => peak ?? Number.NaN;
    outcomes.restore(saved.outcomes.map((each) => ({ ...each, peaks: each.peaks.map(measured) })));
    return undefined;
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
    const { history, outcomes } = this.#runtime;
    const saved = {
      format: FORMAT,
      history: history.save(),
      quality: outcomes.quality.save(),
      outcomes: outcomes.save(OUTCOMES_MAX),
    };
    // JSON has no NaN and writes null.
    const body = JSON.stringify(saved);
    writeLearntFile(this.#file, Buffer.from(`${hashOf(body)}\n${body}\n`));
  }

  async close(): Promise<void> {
    await this.#stop?.();
    this.save();
  }
}

function parse(bytes: Uint8Array): SavedViews | string {
  const [hash, body = ""] = Buffer.from(bytes).toString("utf8").split("\n", 2);
  if (hash !== hashOf(body)) return "the checksum is wrong";
  const saved = JSON.parse(body) as SavedViews;
  return saved.format === FORMAT ? saved : "it has another format";
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
