import type { IncarnationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import type { InstanceRegistration, StopCause } from "../sources/sample.js";
import { incarnationRecord, type Life, newLife, restartLife, stopLife } from "./lives.js";
import { SlotMap } from "./slots.js";

/** One instance's place in the core, and its life. */
export interface Tenancy {
  readonly slot: number;
  readonly life: Life;
}

/** Who is known, in which slot, in which incarnation. No memory of the core is touched here. */
export class InstanceTable {
  readonly #slots: SlotMap;
  readonly #lives: (Life | undefined)[] = [];
  readonly #changed = new Set<Life>();
  /** 1 = was interrupted. A column, for a tick asks of every slot. */
  readonly #interrupted: Uint8Array;

  constructor(capacity: number) {
    this.#slots = new SlotMap(capacity);
    this.#interrupted = new Uint8Array(capacity);
  }

  get size(): number {
    return this.#slots.size;
  }

  ids(): IterableIterator<string> {
    return this.#slots.ids();
  }

  find(instanceId: string): Tenancy | undefined {
    const slot = this.#slots.slotOf(instanceId);
    if (slot === undefined) return undefined;
    const life = this.#lives[slot];
    return life === undefined ? undefined : { slot, life };
  }

  /** @throws ERR_UNKNOWN_ID */
  get(instanceId: string): Tenancy {
    const found = this.find(instanceId);
    if (found !== undefined) return found;
    throw new RepriseError("ERR_UNKNOWN_ID", "no such instance", {
      field: "instanceId",
      got: instanceId,
      expected: "a registered instance",
    });
  }

  slotOf(instanceId: string): number | undefined {
    return this.#slots.slotOf(instanceId);
  }

  lifeIn(slot: number): Life | undefined {
    return this.#lives[slot];
  }

  generationOf(slot: number): number {
    return this.#slots.generationOf(slot);
  }

  /** Whether its life counts an interruption. */
  wasInterrupted(slot: number): boolean {
    return this.#interrupted[slot] === 1;
  }

  /** `record`: what is known of a new one's earlier life. @throws ERR_LIMIT when every slot is taken */
  register(
    registration: InstanceRegistration,
    record?: IncarnationRecord,
  ): Tenancy & { readonly isNew: boolean } {
    const known = this.find(registration.instanceId);
    if (known !== undefined) {
      const { slot, life } = known;
      life.registration = registration;
      return { slot, life, isNew: false };
    }
    const slot = this.#slots.take(registration.instanceId);
    const life = newLife(registration, record);
    this.#lives[slot] = life;
    this.#interrupted[slot] = life.interruptionsMs.length > 0 ? 1 : 0;
    return { slot, life, isNew: true };
  }

  /** The slot stays nobody's until `recycle`. @throws ERR_UNKNOWN_ID */
  leave(instanceId: string): number {
    const { slot, life } = this.get(instanceId);
    this.#slots.leave(instanceId);
    this.#lives[slot] = undefined;
    this.#changed.delete(life);
    return slot;
  }

  recycle(slot: number): void {
    this.#slots.recycle(slot);
  }

  /** @throws ERR_UNKNOWN_ID, ERR_STATE, ERR_ARGUMENT */
  stop(instanceId: string, timeMs: number, cause: StopCause): void {
    const { slot, life } = this.get(instanceId);
    stopLife(life, timeMs, cause);
    if (life.interruptionsMs.length > 0) this.#interrupted[slot] = 1;
    this.#changed.add(life);
  }

  /** @throws ERR_UNKNOWN_ID, ERR_ARGUMENT */
  restart(instanceId: string, timeMs: number): void {
    const { life } = this.get(instanceId);
    restartLife(life, timeMs);
    this.#changed.add(life);
  }

  /** The life's record will be among the next ones taken. */
  markChanged(life: Life): void {
    this.#changed.add(life);
  }

  takeIncarnations(): IncarnationRecord[] {
    const records = [...this.#changed].map(incarnationRecord);
    this.#changed.clear();
    return records;
  }
}
