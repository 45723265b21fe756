/**
 * Which checkpoints are believed. A recent checkpoint makes an instance cheaper to interrupt, one
 * long ago dearer, so a claim counts only if what its disk was seen to do since the one before
 * could have carried it. Without a measurement nothing is believed, and the neutral default stays.
 */
import type { LoadReader } from "../allocator/load.js";
import { RESOURCES } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";

const DISK = RESOURCES.indexOf("disk");
const MB_A_GIB = 1073.741824;
/** A hole in the measurements is no evidence of anything. */
const STEP_MS_MAX = 5 * 60_000;
/** Where a checkpoint's size is not said, this much at least: less is no state of anything. */
const CHECKPOINT_MB_MIN = 1;

/** What was seen of the disk of one that claims checkpoints. */
interface Watched {
  lastMs: number;
  /** Since the last believed claim, or since the first one. */
  writtenMb: number;
}

export class CheckpointClaims {
  readonly #load: LoadReader | undefined;
  readonly #watched = new Map<string, Watched>();

  constructor(load: LoadReader | undefined) {
    this.#load = load;
  }

  /**
   * Adds what the disks of those that ever claimed did since the last call, at their measured rate.
   * A disk unit of operations counts a MB for each, the most one can carry.
   */
  watch(nowMs: number): void {
    for (const [instanceId, watched] of this.#watched) {
      const stepMs = nowMs - watched.lastMs;
      // Seen already in this moment: a fleet that claims at the full hour asks once, not squared.
      if (stepMs === 0) continue;
      const rate = this.#load?.instanceUsage(instanceId)?.[DISK] ?? 0;
      watched.lastMs = nowMs;
      if (stepMs > 0 && stepMs <= STEP_MS_MAX && rate > 0) {
        watched.writtenMb += (rate * stepMs) / 1000;
      }
    }
  }

  /**
   * Whether the claim is believed; what was written up to now is spent on it then. The first claim
   * of an instance never is: from then on its disk is watched.
   *
   * @throws ERR_ARGUMENT when the size is no amount
   */
  isBelieved(instanceId: string, nowMs: number, sizeGiB?: number): boolean {
    checkSize(sizeGiB);
    const watched = this.#watched.get(instanceId);
    if (watched === undefined) {
      this.#watched.set(instanceId, { lastMs: nowMs, writtenMb: 0 });
      return false;
    }
    this.watch(nowMs);
    const neededMb = Math.max(CHECKPOINT_MB_MIN, (sizeGiB ?? 0) * MB_A_GIB);
    if (watched.writtenMb < neededMb) return false;
    watched.writtenMb = 0;
    return true;
  }

  forget(instanceId: string): void {
    this.#watched.delete(instanceId);
  }
}

function checkSize(sizeGiB: number | undefined): void {
  if (sizeGiB === undefined) return;
  if (typeof sizeGiB === "number" && Number.isFinite(sizeGiB) && sizeGiB >= 0) return;
  throw new RepriseError("ERR_ARGUMENT", "a checkpoint's size", {
    field: "sizeGiB",
    got: sizeGiB,
    expected: "a finite number from 0",
  });
}
