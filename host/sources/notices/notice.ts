/** What a cloud says of a machine it will take away, in one shape for all of them. */
export interface Notice {
  /** The same for the same news, however often it is told. */
  readonly noticeId: string;
  readonly source: "ec2" | "gcp" | "azure";
  /** reclaim: it will be gone; rebalance: it may be; maintenance: it will be disturbed. */
  readonly kind: "reclaim" | "rebalance" | "maintenance";
  /** The cloud's name of the machine. */
  readonly instanceId: string;
  /** All machines of the same event, where one may take several. */
  readonly machines?: readonly string[];
  /** In the cloud's word: terminate, stop, hibernate, preempt, Reboot... */
  readonly action: string;
  readonly noticedMs: number;
  /** From when on it may happen; absent when the cloud names no time. */
  readonly deadlineMs?: number;
  /** Whether it can be told to happen at once, by `NoticeProvider.acknowledge`. */
  readonly canAck: boolean;
  /** As it was told. */
  readonly raw: string;
}

export interface NoticeProvider {
  readonly source: Notice["source"];
  /** Between the end of a look and the next one. */
  readonly pauseMs: number;
  /**
   * What is announced now; one that waits for news resolves when there are any.
   *
   * @throws ERR_SAMPLE_UNAVAILABLE when the cloud does not answer, ERR_TRACE_FORMAT when it answers
   *   in another shape
   */
  look(closing: AbortSignal): Promise<readonly Notice[]>;
  /** Lets it happen before its time. Only where a notice can be acknowledged. */
  acknowledge?(notice: Notice, closing: AbortSignal): Promise<void>;
}

/** ms since 1970 UTC; undefined for what is no time. */
export function timeOf(text: unknown): number | undefined {
  const timeMs = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isFinite(timeMs) ? timeMs : undefined;
}
