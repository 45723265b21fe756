import { PHASE_COUNT, QUANTILE_COUNT, QUANTILES, RESOURCES } from "../core/abi.js";
import type { ResourceAmounts } from "../sources/sample.js";
import type { RestartCalibration } from "./calibration.js";
import type { Corrections } from "./corrections.js";
import type { Owner } from "./cut-calibration.js";
import type { Tenancy } from "./instances.js";
import { capped, climbLadder, isSound, type LadderAnswer, type LadderFacts } from "./ladder.js";
import { OUTAGE_MINUTES_DEFAULT } from "./lives.js";
import type { Population } from "./population.js";
import type { PopulationPrior } from "./population-prior.js";
import { checkPredictorName, type PredictorName } from "./predictors/predictors.js";
import type { PredictorShelf } from "./predictors/shelf.js";
import type { BehaviourProfile, ProfileOptions, Rung } from "./profile.js";
import type { PublishedFacts } from "./published.js";
import type { AnswerReader, NetworkAnswer } from "./reader.js";
import type { CutPrediction } from "./shadow-cuts.js";
import type { InstanceStatistics } from "./statistics.js";
import type { StopAnswer } from "./surge.js";

/** Level of the grant, index into QUANTILES: .95, memory .99 (running out of it costs a life). */
const GRANT_QUANTILES = RESOURCES.map((resource) =>
  QUANTILES.indexOf(resource === "memory" ? 0.99 : 0.95),
);
/** Address of the envelope's offsets that means none. */
const NO_OFFSETS = 0;
const NEVER: readonly number[] = RESOURCES.map(() => Number.NaN);
const NO_STATISTICS: InstanceStatistics = { statistic: NEVER, middle: NEVER, largest: NEVER };

export interface ProfileBookParts {
  readonly reader: AnswerReader;
  readonly published: PublishedFacts;
  readonly population: Population;
  readonly calibration: RestartCalibration;
  readonly corrections: Corrections;
  readonly predictors: PredictorShelf;
  /** For instances of which nothing was seen here; undefined = none. */
  readonly prior: PopulationPrior | undefined;
  /** "none" without a network. */
  readonly modelVersion: string;
  readonly hasNetwork: boolean;
}

/** Turns what the last published tick knows of an instance into its behaviour profile. */
export class ProfileBook {
  readonly #parts: ProfileBookParts;

  constructor(parts: ProfileBookParts) {
    this.#parts = parts;
  }

  /** @throws ERR_ARGUMENT, ERR_STATE when a predictor is asked for beside that is not kept */
  profile(tenancy: Tenancy, options: ProfileOptions = {}): BehaviourProfile {
    const { published, calibration, corrections, predictors, modelVersion } = this.#parts;
    const { slot, life } = tenancy;
    const outage = options.outageMinutes ?? life.registration.typicalOutageMinutes;
    const minutes = outage ?? OUTAGE_MINUTES_DEFAULT;
    const { chosen } = predictors;
    const answer = this.#answer(chosen, tenancy, minutes);
    const { beside } = options;
    if (beside !== undefined) checkPredictorName("beside", beside);
    const { envelope, keepNeed, rung, unknown } = answer;
    const isMoved = rung === 0 || this.#isStandIn(chosen, rung);
    const peak = (resource: number) => highestPhase(envelope, resource);
    const profile: BehaviourProfile = {
      instanceId: life.registration.instanceId,
      predictedCpuCores: peak(0),
      predictedMemoryGiB: peak(1),
      predictedNetworkMbps: peak(2),
      predictedDiskIops: peak(3),
      lastUpdatedMs: published.lastMs(slot),
      envelope,
      keepNeed,
      outageMinutes: minutes,
      rung,
      modelVersion: chosen === "network" ? modelVersion : chosen,
      settledAfterMinutes: isMoved ? corrections.settledAfterMinutes(ownerOf(tenancy)) : 0,
      samplesInIncarnation: published.samplesInIncarnation(slot),
      incarnation: published.incarnation(slot),
      trackerCount: isMoved ? calibration.trackerCount : 0,
      trackers: corrections.counts(ownerOf(tenancy)),
    };
    // Spreading costs more than all of the above: the common profile has neither.
    if (unknown === undefined && beside === undefined) return profile;
    return {
      ...profile,
      ...(unknown === undefined ? {} : { unknown }),
      ...(beside === undefined
        ? {}
        : { beside: { predictor: beside, ...this.#answer(beside, tenancy, minutes) } }),
    };
  }

  #answer(predictor: PredictorName, tenancy: Tenancy, outageMinutes: number): LadderAnswer {
    const facts = this.#facts(predictor, tenancy, outageMinutes);
    const answer = climbLadder(facts);
    const { corrections, reader } = this.#parts;
    const owner = ownerOf(tenancy);
    if (this.#isStandIn(predictor, answer.rung)) {
      const scale = reader.scale(tenancy.slot);
      const moved = corrections.applyToDemoted(answer.envelope, owner, scale);
      return { ...answer, envelope: capped(moved, facts.caps) };
    }
    if (answer.rung !== 3 || corrections.launchCount === 0) return answer;
    const envelope = corrections.applyToLaunch(answer.envelope, owner);
    return { ...answer, envelope: capped(envelope, facts.caps) };
  }

  /** The statistics answer because the network is demoted, not because somebody chose them. */
  #isStandIn(predictor: PredictorName, rung: Rung): boolean {
    return rung === 2 && predictor === "network" && this.#parts.corrections.isDemoted;
  }

  #facts(predictor: PredictorName, tenancy: Tenancy, outageMinutes: number): LadderFacts {
    const { published, population, reader, predictors } = this.#parts;
    const { slot, life } = tenancy;
    const { jobType, limits, requested } = life.registration;
    const hasSamples = published.samplesInTotal(slot) > 0;
    return {
      network:
        hasSamples && predictor === "network" ? this.#corrected(tenancy, outageMinutes) : null,
      baseline:
        hasSamples && predictor !== "network"
          ? predictors.predict(predictor, slot, reader.history(slot, outageMinutes))
          : undefined,
      // Only the rungs below the network look at these two.
      get statistics() {
        return hasSamples ? reader.statistics(slot) : NO_STATISTICS;
      },
      get population() {
        return population.quantiles(jobType);
      },
      prior: this.#parts.prior,
      samplesInIncarnation: published.samplesInIncarnation(slot),
      samplesInTotal: published.samplesInTotal(slot),
      caps: columns(limits),
      requested: columns(requested),
    };
  }

  #corrected(tenancy: Tenancy, outageMinutes: number): NetworkAnswer | null {
    const { corrections, reader } = this.#parts;
    if (corrections.isDemoted) return null;
    const answer = this.network(tenancy.slot, outageMinutes);
    const owner = ownerOf(tenancy);
    if (answer === null || !corrections.concerns(owner)) return answer;
    return corrections.apply(answer, owner, reader.scale(tenancy.slot));
  }

  scale(slot: number): readonly number[] {
    return this.#parts.reader.scale(slot);
  }

  /** Of a running instance: what a shadow cut at its last sample says; null without a network. */
  cut(tenancy: Tenancy, atSeconds: number): CutPrediction | null {
    const { hasNetwork, corrections, reader } = this.#parts;
    if (!hasNetwork) return null;
    const { slot } = tenancy;
    const scale = reader.scale(slot);
    const raw = reader.forOutage(slot, 0, NO_OFFSETS);
    if (!isSound(raw)) return null;
    const statistics = climbLadder({ ...this.#facts("network", tenancy, 0), network: null });
    return {
      atSeconds,
      predicted: corrections.applyToCut(raw.envelope, ownerOf(tenancy), scale),
      statistics: statistics.envelope,
      scale,
    };
  }

  /** What is said of an instance that stops now, before anything restarts taught. */
  stopAnswer(tenancy: Tenancy): StopAnswer | null {
    const { hasNetwork, published, corrections, reader, predictors } = this.#parts;
    const { slot, life } = tenancy;
    if (!hasNetwork || published.samplesInTotal(slot) === 0) return null;
    const outage = life.registration.typicalOutageMinutes ?? OUTAGE_MINUTES_DEFAULT;
    const scale = reader.scale(slot);
    if (corrections.isDemoted && predictors.chosen === "network") {
      const { envelope, rung } = climbLadder(this.#facts("network", tenancy, outage));
      return rung === 2 ? { rung, envelope, scale } : null;
    }
    const { envelope } = reader.forOutage(slot, outage, NO_OFFSETS);
    return { envelope: corrections.applyToCut(envelope, ownerOf(tenancy), scale), scale };
  }

  /** What the network says of a slot that has samples; null without a network. */
  network(slot: number, outageMinutes: number): NetworkAnswer | null {
    const { hasNetwork, published, reader } = this.#parts;
    if (!hasNetwork) return null;
    return outageMinutes === published.outageMinutes(slot)
      ? reader.published(slot)
      : reader.forOutage(slot, outageMinutes);
  }
}

function ownerOf({ slot, life }: Tenancy): Owner {
  return { slot, jobType: life.registration.jobType };
}

/** Peak over the phases at the level of the grant. */
function highestPhase(envelope: Float64Array, resource: number): number {
  let highest = 0;
  for (let phase = 0; phase < PHASE_COUNT; phase++) {
    const row = (resource * PHASE_COUNT + phase) * QUANTILE_COUNT;
    highest = Math.max(highest, envelope[row + (GRANT_QUANTILES[resource] ?? 0)] ?? 0);
  }
  return highest;
}

function columns(amounts: ResourceAmounts | undefined): number[] {
  const { NaN: none } = Number;
  if (amounts === undefined) return [none, none, none, none];
  const { cpu = none, memory = none, network = none, disk = none } = amounts;
  return [cpu, memory, network, disk];
}
