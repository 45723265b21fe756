/** Looks at one cloud again and again and tells each notice once. */
import { within } from "../../lib/clock.js";
import type { Notice, NoticeProvider } from "./notice.js";

export interface NoticeWatchOptions {
  readonly provider: NoticeProvider;
  readonly onNotice: (notice: Notice) => Promise<void>;
  /** Hears what went wrong; the watch goes on. */
  readonly onError: (error: unknown) => void;
}

const ERROR_PAUSE_MS = 5_000;
/** Notices remembered, so that none is told twice. */
const TOLD_MAX = 10_000;

export class NoticeWatch {
  readonly #options: NoticeWatchOptions;
  readonly #closing = new AbortController();
  readonly #told = new Set<string>();
  readonly #running: Promise<void>;

  /** Begins at once. */
  constructor(options: NoticeWatchOptions) {
    this.#options = options;
    this.#running = this.#watch();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #watch(): Promise<void> {
    const { provider, onError } = this.#options;
    const { signal } = this.#closing;
    const closed = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      let pauseMs = provider.pauseMs;
      try {
        for (const notice of await provider.look(signal)) await this.#tell(notice);
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        pauseMs = Math.max(pauseMs, ERROR_PAUSE_MS);
      }
      await within(pauseMs, closed);
    }
  }

  async #tell(notice: Notice): Promise<void> {
    if (this.#told.has(notice.noticeId)) return;
    await this.#options.onNotice(notice);
    this.#told.add(notice.noticeId);
    const [oldest] = this.#told;
    if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest);
  }
}
