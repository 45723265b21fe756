import { envelopeRow, PHASE_COUNT, QUANTILE_COUNT, RESOURCE_COUNT } from "../../host/core/index.js";
import type { Ledger, LedgerChange } from "../../host/ledger/ledger.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { RepriseError } from "../../host/lib/errors.js";
import type { BehaviourProfile, ProfileReader } from "../../host/profiler/profile.js";

export interface FakeProfile {
  /** Restart need at .95 (and, x2 of its distance, .99), one value a resource or 12. */
  readonly need: readonly number[];
  readonly keep?: readonly number[];
  /** Quantiles .5, .9, .95 and .99 of what it needs of memory if left alone. */
  readonly keepMemory?: readonly number[];
  readonly outageMinutes?: number;
  /** Nothing was ever measured of it. */
  readonly isNew?: boolean;
}

/** Profiles that a test sets: the need is the .95 quantile and the .99 one, half of it the median. */
export class FakeProfiles implements ProfileReader {
  readonly #profiles = new Map<string, FakeProfile>();

  set(instanceId: string, profile: FakeProfile): this {
    this.#profiles.set(instanceId, profile);
    return this;
  }

  has(instanceId: string): boolean {
    return this.#profiles.has(instanceId);
  }

  profile(instanceId: string, options?: { readonly outageMinutes?: number }): BehaviourProfile {
    const fake = this.#profiles.get(instanceId);
    if (fake === undefined) throw new RepriseError("ERR_UNKNOWN_ID", "no such instance");
    const envelope = new Float64Array(48);
    const keepNeed = new Float64Array(16);
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      for (let phase = 0; phase < PHASE_COUNT; phase++) {
        const need = fake.need[fake.need.length === 12 ? r * PHASE_COUNT + phase : r] ?? 0;
        [0.5, 0.75, 1, 1].forEach((share, q) => {
          envelope[envelopeRow(r, phase, q)] = need * share;
        });
      }
      keepNeed.fill(fake.keep?.[r] ?? 0, r * QUANTILE_COUNT, (r + 1) * QUANTILE_COUNT);
    }
    if (fake.keepMemory !== undefined) keepNeed.set(fake.keepMemory, QUANTILE_COUNT);
    return {
      instanceId,
      predictedCpuCores: 0,
      predictedMemoryGiB: 0,
      predictedNetworkMbps: 0,
      predictedDiskIops: 0,
      lastUpdatedMs: fake.isNew === true ? null : 0,
      envelope,
      keepNeed,
      outageMinutes: options?.outageMinutes ?? fake.outageMinutes ?? 10,
      rung: 0,
      modelVersion: "test@0",
      samplesInIncarnation: 20,
      incarnation: 1,
      trackerCount: 0,
    };
  }
}

/** A ledger whose next commits can be made to fail. */
export class FailingLedger implements Ledger {
  readonly inner = new MemoryLedger();
  failNext = 0;
  commitCount = 0;

  commit(changes: readonly LedgerChange[]): void {
    if (this.failNext > 0) {
      this.failNext--;
      throw new RepriseError("ERR_LEDGER", "the disk is full");
    }
    this.commitCount++;
    this.inner.commit(changes);
  }

  get: Ledger["get"] = (table, key) => this.inner.get(table, key);
  entries: Ledger["entries"] = (table, range) => this.inner.entries(table, range);
  count: Ledger["count"] = (table) => this.inner.count(table);
  close: Ledger["close"] = () => this.inner.close();
}

/** Twelve columns from four values: the same in each phase. */
export function flat(cpu: number, memory = 0, network = 0, disk = 0): number[] {
  return [cpu, memory, network, disk].flatMap((value) => [value, value, value]);
}
