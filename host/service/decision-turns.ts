/**
 * When requests are decided and who is told. A request is decided as soon as it is in, those of one
 * moment on one turn; whoever waits is answered once the decision is durable, before what is left
 * of its plan is done.
 */
import type { Coordinator } from "../coordinator/coordinator.js";
import type { CoordinatorRequest, CycleReport } from "../coordinator/types.js";
import type { DecisionRecord } from "../ledger/records.js";
import { afterArrivals } from "../lib/clock.js";
import type { DecisionIndex } from "./decision-index.js";

interface Parts {
  readonly coordinator: Coordinator;
  readonly decisions: DecisionIndex;
  readonly onDecided: (decision: DecisionRecord) => void;
  /** Of a turn that nobody waits for. */
  readonly onError: (error: unknown) => void;
}

export class DecisionTurns {
  readonly #parts: Parts;
  readonly #waiters = new Map<string, ((decision: DecisionRecord) => void)[]>();
  #turn: Promise<void> | undefined;
  /** Whether the last turn went well and has left something to do. */
  #isMore = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Takes a request; resolves with its first decision. @throws what the coordinator refuses it with */
  submit(request: CoordinatorRequest): Promise<DecisionRecord> {
    this.#parts.coordinator.submit(request);
    const decided = new Promise<DecisionRecord>((resolve) => {
      const waiting = this.#waiters.get(request.requestId) ?? [];
      this.#waiters.set(request.requestId, [...waiting, resolve]);
    });
    this.#decideSoon();
    return decided;
  }

  /** One whole cycle of the coordinator. */
  async tick(): Promise<CycleReport> {
    const report = await this.#parts.coordinator.tick().catch((error: unknown) => {
      // What was decided before the trouble is durable, and somebody waits for it.
      this.#tell(this.#parts.decisions.missed());
      throw error;
    });
    this.#tell(report.decisions);
    return report;
  }

  /** Until no turn is under way or to come. */
  async close(): Promise<void> {
    while (this.#turn !== undefined) await this.#turn;
  }

  #decideSoon(): void {
    this.#turn ??= this.#decide().finally(() => {
      this.#turn = undefined;
      // Together with what came in while the answers went out.
      if (this.#isMore) this.#decideSoon();
    });
  }

  async #decide(): Promise<void> {
    const { coordinator, decisions, onError } = this.#parts;
    this.#isMore = false;
    await afterArrivals();
    try {
      this.#tell(await coordinator.decideDue());
      this.#isMore = coordinator.hasThrough;
    } catch (error) {
      onError(error);
      this.#tellMissed(decisions, onError);
    }
  }

  #tellMissed(decisions: DecisionIndex, onError: (error: unknown) => void): void {
    try {
      this.#tell(decisions.missed());
    } catch (error) {
      onError(error);
    }
  }

  #tell(decisions: readonly DecisionRecord[]): void {
    for (const decision of decisions) {
      this.#parts.decisions.add(decision);
      for (const resolve of this.#waiters.get(decision.requestId) ?? []) resolve(decision);
      this.#waiters.delete(decision.requestId);
      this.#parts.onDecided(decision);
    }
  }
}
