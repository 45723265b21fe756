/** The core's `aggregateQuantile` over a memory of its own: members are added, then summed. */
import { envelopeRow, NEED_COLUMNS, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { ArenaPlan } from "../core/arena.js";
import { callKernel, type Kernel, openKernel } from "../core/kernel.js";
import { POOL_RHO, POOL_Z } from "./policy.js";

const MEMBERS_MIN = 64;

/** What a member may need: the median of each column, then the .9 quantile of each. */
export type MemberNeed = Float32Array;

export function newMemberNeed(): MemberNeed {
  return new Float32Array(2 * NEED_COLUMNS);
}

export function readMemberNeed(need: MemberNeed, envelope: ArrayLike<number>): void {
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const row = envelopeRow(Math.floor(column / PHASE_COUNT), column % PHASE_COUNT, 0);
    need[column] = envelope[row] ?? 0;
    need[NEED_COLUMNS + column] = envelope[row + 1] ?? 0;
  }
}

interface Layout {
  readonly capacity: number;
  readonly kernel: Kernel;
  readonly floats: Float32Array;
  readonly doubles: Float64Array;
  /** Of the medians, the .9 quantiles behind them. */
  readonly needPtr: number;
  readonly rhoPtr: number;
  readonly outPtr: number;
}

export class QuantileSums {
  readonly #module: WebAssembly.Module;
  #layout: Layout;
  #count = 0;

  constructor(module: WebAssembly.Module, capacity = MEMBERS_MIN) {
    this.#module = module;
    this.#layout = openLayout(module, capacity);
  }

  clear(): void {
    this.#count = 0;
  }

  add(need: MemberNeed): void {
    if (this.#count === this.#layout.capacity) this.#grow();
    const { floats, needPtr, capacity } = this.#layout;
    let place = needPtr / 4 + this.#count;
    for (let row = 0; row < need.length; row++) {
      floats[place] = need[row] ?? 0;
      place += capacity;
    }
    this.#count += 1;
  }

  /** Quantile of the sum of those added since the last `clear`, resource x phase. */
  quantile(): number[] {
    const { kernel, capacity, needPtr, rhoPtr, outPtr, doubles } = this.#layout;
    const [stride, count] = [capacity * 4, this.#count];
    const upperPtr = needPtr + NEED_COLUMNS * stride;
    callKernel("aggregateQuantile", () => {
      const columns = NEED_COLUMNS;
      kernel.aggregateQuantile(needPtr, upperPtr, stride, count, columns, rhoPtr, POOL_Z, outPtr);
    });
    return [...doubles.subarray(outPtr / 8, outPtr / 8 + NEED_COLUMNS)];
  }

  #grow(): void {
    const before = this.#layout;
    this.#layout = openLayout(this.#module, 2 * before.capacity);
    const { floats, needPtr, capacity } = this.#layout;
    for (let row = 0; row < 2 * NEED_COLUMNS; row++) {
      const first = before.needPtr / 4 + row * before.capacity;
      const members = before.floats.subarray(first, first + this.#count);
      floats.set(members, needPtr / 4 + row * capacity);
    }
  }
}

function openLayout(module: WebAssembly.Module, members: number): Layout {
  const capacity = Math.ceil(members / 4) * 4;
  const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const plan = new ArenaPlan(probe.arenaBase());
  const needPtr = plan.region("needs", 2 * NEED_COLUMNS * capacity * 4).ptr;
  const rhoPtr = plan.region("rho", NEED_COLUMNS * 4).ptr;
  const outPtr = plan.region("out", NEED_COLUMNS * 8).ptr;
  const memory = plan.createMemory(false);
  const floats = new Float32Array(memory.buffer);
  for (let column = 0; column < NEED_COLUMNS; column++) {
    const r = Math.floor((column * RESOURCE_COUNT) / NEED_COLUMNS);
    floats[rhoPtr / 4 + column] = POOL_RHO[r] ?? 0;
  }
  const kernel = openKernel(module, memory);
  const doubles = new Float64Array(memory.buffer);
  return { capacity, kernel, floats, doubles, needPtr, rhoPtr, outPtr };
}
