/**
 * The core's `leastCover` over a memory of its own, grown to the largest question asked so far.
 *
 * The answer depends on the question alone, and every binary gives the same bits; so one opened
 * core serves all planners of a thread.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import { ArenaPlan } from "../core/arena.js";
import { compileBinary } from "../core/binary.js";
import { callKernel, type Kernel, openKernel } from "../core/kernel.js";
import { present } from "../lib/assert.js";
import type { CoverAnswer, CoverQuestion } from "./cover-board.js";

const COUNT_MIN = 64;

interface Layout {
  readonly kernel: Kernel;
  readonly capacity: number;
  readonly freed: number;
  readonly costs: number;
  readonly groups: number;
  readonly needed: number;
  readonly budgets: number;
  readonly scratch: number;
  readonly chosen: number;
  readonly result: number;
  readonly doubles: Float64Array;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Rows of a question: one candidate each, a group's members side by side, groups from 0. */
export class CoverKernel {
  readonly #module: WebAssembly.Module;
  readonly #isShared: boolean;
  #layout: Layout | undefined;

  /** `isShared`: the binary imports a shared memory. */
  constructor(module: WebAssembly.Module, isShared = false) {
    this.#module = module;
    this.#isShared = isShared;
  }

  solve(question: CoverQuestion): CoverAnswer {
    const count = question.costs.length;
    const layout = this.#layoutFor(count);
    const { kernel, freed, costs, groups, needed, budgets, scratch, chosen, result } = layout;
    for (const [index, row] of question.freed.entries()) {
      layout.doubles.set(row, freed / 8 + index * RESOURCE_COUNT);
    }
    layout.doubles.set(question.costs, costs / 8);
    layout.doubles.set(question.needed, needed / 8);
    layout.words.set(question.groups, groups / 4);
    layout.words.set(question.budgets, budgets / 4);
    const groupCount = question.budgets.length;
    const covered = callKernel("leastCover", () =>
      kernel.leastCover(
        freed,
        costs,
        groups,
        count,
        needed,
        budgets,
        groupCount,
        scratch,
        chosen,
        result,
      ),
    );
    return {
      covered: covered === 1,
      chosen: [...layout.bytes.subarray(chosen, chosen + count)].map((byte) => byte === 1),
      cost: present(layout.doubles[result / 8], "cost"),
      bound: present(layout.doubles[result / 8 + 1], "bound"),
    };
  }

  #layoutFor(count: number): Layout {
    let capacity = Math.max(COUNT_MIN, this.#layout?.capacity ?? 0);
    while (capacity < count) capacity *= 2;
    if (this.#layout?.capacity !== capacity) {
      this.#layout = openLayout(this.#module, capacity, this.#isShared);
    }
    return this.#layout;
  }
}

function openLayout(module: WebAssembly.Module, capacity: number, isShared: boolean): Layout {
  const probe = openKernel(
    module,
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: isShared }),
  );
  const plan = new ArenaPlan(probe.arenaBase());
  const place = (name: string, bytes: number): number => plan.region(name, bytes).ptr;
  // There are no more groups than candidates.
  const ptrs = {
    freed: place("freed", capacity * RESOURCE_COUNT * 8),
    costs: place("costs", capacity * 8),
    groups: place("groups", capacity * 4),
    needed: place("needed", RESOURCE_COUNT * 8),
    budgets: place("budgets", capacity * 4),
    scratch: place("scratch", probe.coverScratchBytes(capacity, capacity)),
    chosen: place("chosen", capacity),
    result: place("result", 16),
  };
  const memory = plan.createMemory(isShared);
  return {
    ...ptrs,
    kernel: openKernel(module, memory),
    capacity,
    doubles: new Float64Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    bytes: new Uint8Array(memory.buffer),
  };
}

let shared: CoverKernel | undefined;

/** The thread's own solver, opened at the first question. */
export function leastCover(question: CoverQuestion): CoverAnswer {
  shared ??= new CoverKernel(compileBinary("release"));
  return shared.solve(question);
}
