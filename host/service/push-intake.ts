/** What was pushed in, on its way from points to samples; its mapping may change while it runs. */
import { repeatEvery } from "../lib/clock.js";
import type { MetricPoint } from "../sources/push/points.js";
import { PushBoard } from "../sources/push/push-board.js";
import type { ServiceConfig } from "./config/schema.js";
import type { ServiceMetrics } from "./metrics.js";
import type { ServiceRuntime } from "./runtime.js";

type PushConfig = ServiceConfig["push"];

const FLUSH_MS_MIN = 100;

export class PushIntake {
  readonly #runtime: ServiceRuntime;
  readonly #metrics: ServiceMetrics;
  readonly #onError: (error: unknown) => void;
  #board: PushBoard;
  #stop: () => Promise<void>;

  constructor(
    parts: { readonly runtime: ServiceRuntime; readonly metrics: ServiceMetrics },
    config: PushConfig,
    onError: (error: unknown) => void,
  ) {
    this.#runtime = parts.runtime;
    this.#metrics = parts.metrics;
    this.#onError = onError;
    this.#board = boardOf(config);
    this.#stop = this.#flushEvery(config);
  }

  /**
   * From now on by another mapping. Windows that are open become samples as they are; counters begin
   * anew, so the first point of each counts for nothing.
   */
  async reconfigure(config: PushConfig): Promise<void> {
    const before = this.#board;
    this.#board = boardOf(config);
    const stopped = this.#stop();
    this.#stop = this.#flushEvery(config);
    this.#offer(before, Number.POSITIVE_INFINITY);
    await stopped;
  }

  take(points: readonly MetricPoint[]): void {
    this.#metrics.samples(0, this.#board.take(points, this.#runtime.clock.nowMs()));
    this.#offer(this.#board, this.#runtime.clock.nowMs());
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  #flushEvery({ settleSeconds }: PushConfig): () => Promise<void> {
    return repeatEvery(Math.max(FLUSH_MS_MIN, settleSeconds * 500), async () => {
      try {
        this.#offer(this.#board, this.#runtime.clock.nowMs());
      } catch (error) {
        this.#onError(error);
      }
    });
  }

  #offer(board: PushBoard, nowMs: number): void {
    const samples = board.due(nowMs);
    if (samples.length === 0) return;
    const { accepted, dropped } = this.#runtime.offer(samples);
    this.#metrics.samples(accepted, dropped);
  }
}

function boardOf({ mappings, windowSeconds, settleSeconds, seriesMax }: PushConfig): PushBoard {
  const windowMs = windowSeconds * 1_000;
  return new PushBoard({ mappings, windowMs, settleMs: settleSeconds * 1_000, seriesMax });
}
