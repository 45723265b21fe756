/** Who is down, by instance and by group; never changed, like the state that it belongs to. */
import { VersionedMap } from "../lib/versioned-map.js";

export interface DownInstance {
  readonly instanceId: string;
  readonly groupId: string;
  readonly expectedRestartMs: number;
}

export class DownInstances {
  readonly #byId: VersionedMap<string, DownInstance>;
  readonly #byGroup: VersionedMap<string, readonly DownInstance[]>;

  constructor(
    byId: VersionedMap<string, DownInstance> = new VersionedMap(),
    byGroup: VersionedMap<string, readonly DownInstance[]> = new VersionedMap(),
  ) {
    this.#byId = byId;
    this.#byGroup = byGroup;
  }

  get size(): number {
    return this.#byId.size;
  }

  has(instanceId: string): boolean {
    return this.#byId.has(instanceId);
  }

  /** Those of the groups, group by group. */
  ofGroups(groupIds: Iterable<string>): DownInstance[] {
    return [...groupIds].flatMap((groupId) => this.#byGroup.get(groupId) ?? []);
  }

  /** One that is down already is put down anew. */
  with(instances: readonly DownInstance[]): DownInstances {
    const cleared = this.without(instances.map(({ instanceId }) => instanceId));
    let [byId, byGroup] = [cleared.#byId, cleared.#byGroup];
    for (const each of instances) {
      byId = byId.with(each.instanceId, each);
      byGroup = byGroup.with(each.groupId, [...(byGroup.get(each.groupId) ?? []), each]);
    }
    return new DownInstances(byId, byGroup);
  }

  without(instanceIds: readonly string[]): DownInstances {
    let [byId, byGroup] = [this.#byId, this.#byGroup];
    for (const instanceId of instanceIds) {
      const gone = byId.get(instanceId);
      if (gone === undefined) continue;
      byId = byId.without(instanceId);
      const left = (byGroup.get(gone.groupId) ?? []).filter((each) => each !== gone);
      byGroup =
        left.length === 0 ? byGroup.without(gone.groupId) : byGroup.with(gone.groupId, left);
    }
    return byId === this.#byId ? this : new DownInstances(byId, byGroup);
  }
}
