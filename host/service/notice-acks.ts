/**
 * Tells a cloud that a loss may happen before its time, once nobody runs on the machines it takes.
 *
 * One event may take several machines, and saying yes says it for all of them: so all of them have
 * to be nodes that are known here and empty.
 */
import { repeatEvery } from "../lib/clock.js";
import type { Notice, NoticeProvider } from "../sources/notices/notice.js";
import type { ServiceRuntime } from "./runtime.js";

const LOOK_MS = 1_000;

export interface NoticeAckParts {
  readonly runtime: ServiceRuntime;
  readonly provider: NoticeProvider;
  readonly nodesOf: (notice: Notice) => readonly string[];
  readonly onError: (error: unknown) => void;
}

export class NoticeAcks {
  readonly #parts: NoticeAckParts;
  /** By what was told: the machines of one event have the same. */
  readonly #waiting = new Map<string, Notice>();
  readonly #closing = new AbortController();
  readonly #stop: () => Promise<void>;

  constructor(parts: NoticeAckParts) {
    this.#parts = parts;
    this.#stop = repeatEvery(LOOK_MS, () => this.#look());
  }

  add(notice: Notice): void {
    if (notice.canAck) this.#waiting.set(notice.raw, notice);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#stop();
  }

  async #look(): Promise<void> {
    const { runtime, provider, onError } = this.#parts;
    const nowMs = runtime.clock.nowMs();
    for (const [key, notice] of this.#waiting) {
      const isOver = (notice.deadlineMs ?? nowMs) <= nowMs;
      if (!isOver && !this.#isEmpty(notice)) continue;
      this.#waiting.delete(key);
      if (isOver) continue;
      try {
        await provider.acknowledge?.(notice, this.#closing.signal);
        const { raw: _raw, ...told } = notice;
        runtime.events.publish({ kind: "notice-acknowledged", notice: told }, nowMs);
      } catch (error) {
        // It happens at its deadline then.
        if (!this.#closing.signal.aborted) onError(error);
      }
    }
  }

  #isEmpty(notice: Notice): boolean {
    const { allocator, profiler } = this.#parts.runtime;
    const nodes = new Set(this.#parts.nodesOf(notice));
    if (![...nodes].every((nodeId) => allocator.hasNode(nodeId))) return false;
    for (const instanceId of profiler.instanceIds()) {
      if (!profiler.isRunning(instanceId)) continue;
      const { nodeId } = allocator.allocationOf(instanceId) ?? profiler.registration(instanceId);
      if (nodes.has(nodeId)) return false;
    }
    return true;
  }
}
