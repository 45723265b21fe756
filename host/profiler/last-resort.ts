/**
 * What stands in where nothing is known of an instance: what it holds now. A zero there would let
 * its room be given away, or the instance be taken for one that needs nothing.
 */
import { RESOURCE_COUNT, RESOURCES, type Resource } from "../core/abi.js";
import type { BehaviourProfile } from "./profile.js";

/**
 * @param held what the instance holds, one value a resource, NaN where that is not known either;
 *   undefined when it holds nothing
 * @returns the profile with `held` at every quantile of the resources of which nothing is known;
 *   what is left in `unknown` stays at zero and must not be taken for a need
 */
export function withLastResort(
  profile: BehaviourProfile,
  held: readonly number[] | undefined,
): BehaviourProfile {
  if (profile.unknown === undefined || held === undefined) return profile;
  const envelope = Float64Array.from(profile.envelope);
  const keepNeed = Float64Array.from(profile.keepNeed);
  const peaks = new Map<Resource, number>();
  for (const resource of profile.unknown) {
    const r = RESOURCES.indexOf(resource);
    const amount = held[r] ?? Number.NaN;
    if (!(amount >= 0 && amount < Number.POSITIVE_INFINITY)) continue;
    fillResource(envelope, r, amount);
    fillResource(keepNeed, r, amount);
    peaks.set(resource, amount);
  }
  const { unknown, ...known } = profile;
  const left = unknown.filter((resource) => !peaks.has(resource));
  return {
    ...known,
    predictedCpuCores: peaks.get("cpu") ?? profile.predictedCpuCores,
    predictedMemoryGiB: peaks.get("memory") ?? profile.predictedMemoryGiB,
    predictedNetworkMbps: peaks.get("network") ?? profile.predictedNetworkMbps,
    predictedDiskIops: peaks.get("disk") ?? profile.predictedDiskIops,
    envelope,
    keepNeed,
    ...(left.length === 0 ? {} : { unknown: left }),
  };
}

/** Rows of one resource are neighbours in both tables. */
function fillResource(table: Float64Array, resource: number, amount: number): void {
  const rows = table.length / RESOURCE_COUNT;
  table.fill(amount, resource * rows, (resource + 1) * rows);
}

/** Nothing was ever measured of it, so nobody knows what it could give away. */
export function hasNoSample({ lastUpdatedMs }: BehaviourProfile): boolean {
  return lastUpdatedMs === null;
}
