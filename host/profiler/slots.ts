import { RepriseError } from "../lib/errors.js";

/**
 * Instance id to slot number. A slot is a lane of a tile: tile = slot >> 3, lane = slot & 7. Slots
 * are recycled, and the generation tells one tenant of a slot from the next.
 */
export class SlotMap {
  readonly #capacity: number;
  readonly #slots = new Map<string, number>();
  readonly #ids: (string | undefined)[] = [];
  readonly #generations: Uint32Array;
  readonly #free: number[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#generations = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Slots ever handed out; every slot in use is below it. */
  get highWater(): number {
    return this.#ids.length;
  }

  slotOf(instanceId: string): number | undefined {
    return this.#slots.get(instanceId);
  }

  idOf(slot: number): string | undefined {
    return this.#ids[slot];
  }

  generationOf(slot: number): number {
    return this.#generations[slot] ?? 0;
  }

  ids(): IterableIterator<string> {
    return this.#slots.keys();
  }

  /** @throws ERR_LIMIT when every slot is taken, ERR_DUPLICATE_ID when the id has one already */
  take(instanceId: string): number {
    if (this.#slots.has(instanceId)) {
      throw new RepriseError("ERR_DUPLICATE_ID", "the instance has a slot already", {
        field: "instanceId",
        got: instanceId,
      });
    }
    // A slot left during a tick comes back after it; until then it is nobody's.
    if (this.#free.length === 0 && this.#ids.length >= this.#capacity) {
      throw new RepriseError("ERR_LIMIT", "more instances than configured", {
        field: "instanceId",
        got: instanceId,
        expected: `at most ${this.#capacity} instances`,
      });
    }
    const slot = this.#free.pop() ?? this.#ids.length;
    this.#ids[slot] = instanceId;
    this.#slots.set(instanceId, slot);
    return slot;
  }

  /** Ends the tenancy; the slot is handed out again only after `recycle`. */
  leave(instanceId: string): number | undefined {
    const slot = this.#slots.get(instanceId);
    if (slot === undefined) return undefined;
    this.#slots.delete(instanceId);
    this.#ids[slot] = undefined;
    this.#generations[slot] = this.generationOf(slot) + 1;
    return slot;
  }

  /** Makes a left slot available again. */
  recycle(slot: number): void {
    this.#free.push(slot);
  }
}
