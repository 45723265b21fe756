/**
 * The engine that only writes down what it was told. It keeps the contract of a real one: an act
 * is carried out once however often it is sent, and an act that carries a lower fencing token than
 * the instance has already seen is refused. Replays pass `carryOut` to make a world react.
 */
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { Act, ActOutcome, Engine } from "./engine.js";

export interface DryRunOptions {
  /** Called once for every act that is not refused, in order. */
  readonly carryOut?: (act: Act) => void;
  /** How many of the latest acts are remembered, for `acts` and for repeats. */
  readonly actsKeptMax?: number;
}

export class DryRunEngine implements Engine {
  readonly name = "dry-run";
  readonly #carryOut: ((act: Act) => void) | undefined;
  readonly #actsKeptMax: number;
  readonly #confirmed = new Map<string, Act>();
  readonly #tokens = new Map<string, number>();
  #closed = false;

  constructor(options: DryRunOptions = {}) {
    this.#carryOut = options.carryOut;
    this.#actsKeptMax = options.actsKeptMax ?? LIMITS.actsKeptMax;
  }

  /** What was carried out, oldest first. */
  get acts(): Iterable<Act> {
    return this.#confirmed.values();
  }

  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    if (this.#closed) throw new RepriseError("ERR_SHUTTING_DOWN", "the engine is closed");
    return acts.map((act) => this.#one(act));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #one(act: Act): ActOutcome {
    const before = this.#confirmed.get(act.actId);
    if (before !== undefined) return confirmed(before);
    const token = this.#tokens.get(act.instanceId);
    if (token !== undefined && act.fencingToken < token) {
      const reason = `stale fencing token ${act.fencingToken}: ${act.instanceId} has seen ${token}`;
      return { actId: act.actId, status: "refused", reason, final: true };
    }
    this.#carryOut?.(act);
    this.#tokens.set(act.instanceId, act.fencingToken);
    this.#remember(act);
    return confirmed(act);
  }

  #remember(act: Act): void {
    this.#confirmed.set(act.actId, act);
    if (this.#confirmed.size <= this.#actsKeptMax) return;
    const oldest = this.#confirmed.keys().next();
    if (oldest.done !== true) this.#confirmed.delete(oldest.value);
  }
}

function confirmed(act: Act): ActOutcome {
  const { actId } = act;
  if (act.kind !== "shrink") return { actId, status: "confirmed" };
  return { actId, status: "confirmed", held: act.target };
}
