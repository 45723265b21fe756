/**
 * Whether the durable record takes what is written. While it does not nothing may act, everything
 * else goes on; it is over as soon as a trial record could be stored.
 */
import type { Ledger } from "../ledger/ledger.js";
import { isRepriseError, RepriseError } from "../lib/errors.js";

const TRIAL_KEY = "healthTrial";
/** The disk must have room for a whole turn, so the trial is about as large as one. */
const TRIAL_TEXT = "-".repeat(65_536);
const CODES: ReadonlySet<string> = new Set(["ERR_LEDGER", "ERR_FENCED"]);

export class LedgerHealth {
  readonly #ledger: Ledger;
  readonly #onChange: (degraded: string | null) => void;
  #degraded: string | null = null;

  constructor(ledger: Ledger, onChange: (degraded: string | null) => void) {
    this.#ledger = ledger;
    this.#onChange = onChange;
  }

  /** Why nothing may act now; null when all is well. */
  get degraded(): string | null {
    return this.#degraded;
  }

  /** @throws ERR_LEDGER while nothing may act */
  requireSound(): void {
    if (this.#degraded === null) return;
    throw new RepriseError("ERR_LEDGER", `nothing may act now: ${this.#degraded}`);
  }

  /** Takes note of what went wrong; other errors than the ledger's do not count. */
  note(error: unknown): void {
    if (isRepriseError(error) && CODES.has(error.code)) this.#set(error.message);
  }

  /** Tries again when it was unsound. @throws ERR_LEDGER, ERR_FENCED as long as it is */
  recover(): void {
    if (this.#degraded === null) return;
    this.#ledger.commit([{ table: "meta", key: TRIAL_KEY, put: TRIAL_TEXT }]);
    this.#ledger.commit([{ table: "meta", key: TRIAL_KEY, remove: true }]);
    this.#set(null);
  }

  #set(degraded: string | null): void {
    if (this.#degraded === degraded) return;
    this.#degraded = degraded;
    this.#onChange(degraded);
  }
}
