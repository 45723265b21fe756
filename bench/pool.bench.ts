/**
 * Pool: how long does the quantile of a sum of restart needs take?
 *
 * Goals: k members, one column and twelve, 512 draws, drawn and summed anew in every call, the core
 * beside the float64 reference; what a node's leases hold over time once one of them changed, all
 * restarts at times of their own. Non-goal: the ledger.
 */
import { DRAW_COUNT, factorTable } from "../host/allocator/factor-table.js";
import { type LeaseOnNode, Pooling } from "../host/allocator/pooling.js";
import { drawQuantileReference, memberDrawsReference } from "../host/allocator/reference-pool.js";
import { leaseSteps } from "../host/allocator/timeline.js";
import { ArenaPlan, compileBinary, openKernel } from "../host/core/index.js";
import type { ReservationRecord } from "../host/ledger/records.js";
import { seededFloats } from "./support/data.js";
import { type BenchCase, benchMain } from "./support/harness.js";

const LOADS = [0.2, 0.3, 0.2, 0.9110433579] as const;
const ABOVE_MAX = 6;

interface Shape {
  readonly memberCount: number;
  readonly columnCount: number;
}

function knotsOf({ memberCount, columnCount }: Shape): number[][] {
  const steps = seededFloats(3, memberCount * columnCount * 5, { min: 0, max: 2 });
  return Array.from({ length: memberCount * columnCount }, (_, row) => {
    let sum = 0;
    return Array.from(steps.subarray(row * 5, row * 5 + 5), (step) => {
      sum += step;
      return Math.fround(sum);
    });
  });
}

function corePool(shape: Shape, knots: readonly number[][]) {
  const { memberCount, columnCount } = shape;
  const module = compileBinary("release");
  const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const plan = new ArenaPlan(probe.arenaBase());
  const rowBytes = DRAW_COUNT * 8;
  const factors = plan.region("factors", (memberCount + 3) * DRAW_COUNT * 4).ptr;
  const loads = plan.region("loads", 16).ptr;
  const knotsPtr = plan.region("knots", knots.length * 32).ptr;
  const limits = plan.region("limits", columnCount * 16).ptr;
  const draws = plan.region("draws", memberCount * columnCount * rowBytes).ptr;
  const changes = plan.region("changes", columnCount * memberCount * 24).ptr;
  const sums = plan.region("sums", rowBytes).ptr;
  const top = plan.region("top", (ABOVE_MAX + 1) * 8).ptr;
  const memory = plan.createMemory(false);
  const kernel = openKernel(module, memory);
  const floats = new Float32Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  floats.set(factorTable(memberCount + 3), factors / 4);
  floats.set(LOADS, loads / 4);
  knots.forEach((row, index) => {
    floats.set(row, knotsPtr / 4 + index * 8);
  });
  const doubles = new Float64Array(memory.buffer);
  for (let column = 0; column < columnCount; column++) doubles[limits / 8 + column * 2] = 10;
  for (let column = 0; column < columnCount; column++) {
    for (let member = 0; member < memberCount; member++) {
      const row = draws + (member * columnCount + column) * rowBytes;
      const at = changes / 4 + (column * memberCount + member) * 6;
      words.fill(row, at + 3, at + 6);
    }
  }
  const factor = (row: number): number => factors + row * DRAW_COUNT * 4;
  const out = new Float64Array(columnCount);
  const call = (): void => {
    for (let member = 0; member < memberCount; member++) {
      kernel.memberDraws(
        factor(0),
        factor(1),
        factor(2),
        factor(3 + member),
        loads,
        knotsPtr + member * columnCount * 32,
        limits,
        draws + member * columnCount * rowBytes,
        columnCount,
        DRAW_COUNT,
      );
    }
    for (let column = 0; column < columnCount; column++) {
      const list = changes + column * memberCount * 24;
      const high = 10 * memberCount;
      doubles.fill(0, sums / 8, sums / 8 + DRAW_COUNT);
      kernel.moveSums(list, memberCount, DRAW_COUNT, sums);
      out[column] = kernel.sumQuantile(sums, DRAW_COUNT, ABOVE_MAX, 0, high, top);
    }
  };
  return { call, out };
}

function plainPool({ memberCount, columnCount }: Shape, knots: readonly number[][]) {
  const table = factorTable(memberCount + 3);
  const row = (index: number): Float32Array =>
    table.subarray(index * DRAW_COUNT, (index + 1) * DRAW_COUNT);
  const out = new Float64Array(columnCount);
  const call = (): void => {
    for (let column = 0; column < columnCount; column++) {
      const sums = new Array<number>(DRAW_COUNT).fill(0);
      for (let member = 0; member < memberCount; member++) {
        const factors = [row(0), row(1), row(2), row(3 + member)];
        const each = { knots: knots[member * columnCount + column] ?? [], cap: 10, shift: 0 };
        memberDrawsReference(factors, LOADS, each).forEach((need, draw) => {
          sums[draw] = (sums[draw] ?? 0) + Math.ceil(need * 1024) / 1024;
        });
      }
      out[column] = drawQuantileReference(sums, ABOVE_MAX, 0, 10 * memberCount);
    }
  };
  return { call, out };
}

function poolCase(shape: Shape): BenchCase {
  return {
    name: `members=${shape.memberCount} columns=${shape.columnCount} draws=${DRAW_COUNT}`,
    unit: "members x columns",
    unitsPerCall: shape.memberCount * shape.columnCount,
    rival: "float64 reference",
    tolerance: 0.1,
    open: () => {
      const knots = knotsOf(shape);
      const core = corePool(shape, knots);
      const plain = plainPool(shape, knots);
      return {
        variants: [
          { name: "core", call: core.call, output: () => core.out },
          { name: "float64 reference", call: plain.call, output: () => plain.out },
        ],
      };
    },
  };
}

function leaseAt(index: number): LeaseOnNode {
  const quantiles = Array.from({ length: 12 }, () => [2, 3, 4, 5]).flat();
  const expectedRestartMs = index * 47_000;
  const lease: ReservationRecord = {
    reservationId: `lease-${1000 + index}`,
    ownerId: `${index}`,
    instanceId: `${index}`,
    nodeId: "n",
    groupId: `${index % 4}`,
    amounts: new Array<number>(12).fill(4),
    quantiles,
    state: "held",
    fencingToken: index,
    createdMs: 0,
    expectedRestartMs,
    expiresMs: expectedRestartMs + 900_000,
    shrinks: [],
  };
  return { lease, steps: leaseSteps(lease), base: undefined };
}

/** Each call one lease of the node is another one: its draws are made, everybody's are summed. */
function nodeCase(leaseCount: number): BenchCase {
  return {
    name: `a node of ${leaseCount} leases, one is new`,
    unit: "leases",
    unitsPerCall: leaseCount,
    tolerance: 0,
    open: () => {
      const pooling = new Pooling(compileBinary("release"));
      const leases = Array.from({ length: leaseCount }, (_, index) => leaseAt(index));
      let amounts: Float64Array = new Float64Array();
      let turn = 0;
      const call = (): void => {
        leases[turn % leaseCount] = leaseAt(turn % leaseCount);
        turn++;
        ({ amounts } = pooling.sum(leases));
      };
      return { variants: [{ name: "pooling", call, output: () => amounts }] };
    },
  };
}

await benchMain({
  name: "pool",
  question: "How long does the quantile of a sum of restart needs take?",
  binaries: ["release"],
  cases: ({ smoke }) => [
    ...(smoke ? [3] : [8, 64]).flatMap((memberCount) =>
      [1, 12].map((columnCount) => poolCase({ memberCount, columnCount })),
    ),
    ...(smoke ? [3] : [4, 8, 16, 32, 100]).map(nodeCase),
  ],
});
