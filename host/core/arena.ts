import { RepriseError } from "../lib/errors.js";

const PAGE_BYTES = 65_536;
/** Largest memory one module can address. */
const MEMORY_BYTES_MAX = 65_536 * PAGE_BYTES;

export interface Region {
  readonly name: string;
  readonly ptr: number;
  readonly bytes: number;
}

/**
 * Lays named regions one after another from `base`. Pure arithmetic: the plan is made first, then
 * the memory, which never grows.
 */
export class ArenaPlan {
  readonly #regions: Region[] = [];
  #end: number;

  constructor(base: number) {
    this.#end = base;
  }

  /** @param align bytes, a power of two; 64 keeps two workers off one cache line */
  region(name: string, bytes: number, align = 64): Region {
    if (!(Number.isSafeInteger(bytes) && bytes >= 0)) {
      throw new RepriseError("ERR_ARGUMENT", `region ${name} has no valid size`, { got: bytes });
    }
    const ptr = Math.ceil(this.#end / align) * align;
    if (ptr + bytes > MEMORY_BYTES_MAX) {
      throw new RepriseError("ERR_LIMIT", `region ${name} does not fit the core's memory`, {
        got: ptr + bytes,
        expected: `at most ${MEMORY_BYTES_MAX} bytes`,
      });
    }
    const region = Object.freeze({ name, ptr, bytes });
    this.#regions.push(region);
    this.#end = ptr + bytes;
    return region;
  }

  get regions(): readonly Region[] {
    return this.#regions;
  }

  get pages(): number {
    return Math.max(1, Math.ceil(this.#end / PAGE_BYTES));
  }

  /** A memory that holds the plan, no more. */
  createMemory(shared: boolean): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: this.pages, maximum: this.pages, shared });
  }
}
