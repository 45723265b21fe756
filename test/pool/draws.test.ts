import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { factorTable, stratumScores } from "../../host/allocator/factor-table.js";
import {
  type DrawMember,
  drawQuantileReference,
  memberDrawsReference,
  needAtScore,
} from "../../host/allocator/reference-pool.js";
import { Prng } from "../../host/lib/prng.js";
import { type Board, openBoards } from "./board.js";

const test = suite("pool/draws");
const boards = openBoards();
const LOADS = [0.2, 0.3, 0.2, Math.sqrt(1 - 0.17)] as const;

const scores = (seed: number, count: number): number[] => {
  const prng = new Prng(seed);
  return Array.from({ length: count }, () => Math.fround((prng.uniform() - 0.5) * 6));
};

const members = fc.array(
  fc.record({
    steps: fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 5, maxLength: 5 }),
    cap: fc.integer({ min: 0, max: 90_000 }),
    shift: fc.integer({ min: 0, max: 20_000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

function memberOf(each: { steps: number[]; cap: number; shift: number }): DrawMember {
  let sum = 0;
  const knots = each.steps.map((step) => {
    sum += step;
    return Math.fround(sum / 1024);
  });
  return { knots, cap: each.cap / 1024, shift: each.shift / 1024 };
}

function runDraws(board: Board, factors: number[][], columns: readonly DrawMember[]): number[][] {
  board.reset();
  const drawCount = factors[0]?.length ?? 0;
  const [common = 0, group = 0, cause = 0, own = 0] = factors.map((row) => board.floats(row));
  const loads = board.floats([...LOADS]);
  const knots = board.floats(columns.flatMap(({ knots: each }) => [...each, 9, 9, 9]));
  const limits = board.doubles(columns.flatMap(({ cap, shift }) => [cap, shift]));
  const out = board.output(columns.length * drawCount * 8);
  board.snapshot();
  const [n, d] = [columns.length, drawCount];
  board.kernel.memberDraws(common, group, cause, own, loads, knots, limits, out, n, d);
  board.check();
  return columns.map((_, c) => board.readF64(out + c * drawCount * 8, drawCount));
}

test("draws of a member are those of the reference", () => {
  for (const { board } of boards) {
    fc.assert(
      fc.property(members, fc.nat(1000), fc.constantFrom(4, 8, 12, 512), (list, seed, count) => {
        const columns = list.map(memberOf);
        const factors = [1, 2, 3, 4].map((row) => scores(seed + row, count));
        const got = runDraws(board, factors, columns);
        columns.forEach((member, column) => {
          const want = memberDrawsReference(factors, LOADS, member);
          const size = (member.knots[4] ?? 0) * 4;
          got[column]?.forEach((value, draw) => {
            const error = value - (want[draw] ?? Number.NaN);
            assert.ok(error > -2e-5 * size - 1e-6, `${value} for ${want[draw]}`);
            assert.ok(error < 2e-5 * size + 1 / 1024 + 1e-6, `${value} for ${want[draw]}`);
            assert.is(value * 1024, Math.round(value * 1024));
          });
        });
      }),
      { numRuns: 60 },
    );
  }
});

test("a NaN knot makes its column NaN and no other, a NaN factor its draw", () => {
  for (const { board } of boards) {
    const good = memberOf({ steps: [1, 2, 3, 4, 5], cap: 100, shift: 0 });
    const bad = { ...good, knots: [0, 1, Number.NaN, 2, 3] };
    const [first = [], second = []] = runDraws(
      board,
      [1, 2, 3, 4].map((row) => scores(row, 8)),
      [bad, good],
    );
    assert.ok(first.every(Number.isNaN));
    assert.not.ok(second.some(Number.isNaN));
    const factors = [1, 2, 3, 4].map((row) => scores(row, 8));
    const [row = []] = factors;
    row[3] = Number.NaN;
    const [draws = []] = runDraws(board, factors, [good]);
    assert.equal(
      draws.map(Number.isNaN),
      [0, 1, 2, 3, 4, 5, 6, 7].map((d) => d === 3),
    );
  }
});

interface Changes {
  /** Rows of each member, three of them. */
  readonly rows: readonly (readonly number[])[];
  readonly aboveMax: number;
  readonly low: number;
}

const DRAWS = 64;

function changesOf(memberCount: number, seed: number, aboveMax: number): Changes {
  const prng = new Prng(seed);
  const rows = Array.from({ length: memberCount * 3 }, (_, index) =>
    // Every second member has one row only.
    index % 6 < 3 ? Array.from({ length: DRAWS }, () => prng.below(50_000) / 1024) : [],
  );
  return { rows, aboveMax, low: prng.below(100_000) / 1024 };
}

function sumsOf(rows: readonly (readonly number[])[]): number[] {
  return Array.from({ length: DRAWS }, (_, d) => {
    let sum = 0;
    for (let m = 0; m < rows.length / 3; m++) {
      sum += Math.max(0, ...[0, 1, 2].map((k) => rows[m * 3 + k]?.[d] ?? 0));
    }
    return sum;
  });
}

test("the quantile of a sum is that of the reference, by whatever way the sum was reached", () => {
  for (const { board } of boards) {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(1000), fc.nat(12), (memberCount, seed, aboveMax) => {
        const { rows, low: lowest } = changesOf(memberCount, seed, aboveMax);
        board.reset();
        const blank = board.doubles(new Array<number>(DRAWS).fill(0));
        const members = Array.from({ length: memberCount }, (_, m) =>
          rows
            .slice(m * 3, m * 3 + 3)
            .map((row) => (row.length === 0 ? blank : board.doubles(row))),
        );
        const sums = sumsOf(rows);
        const high = Math.max(0, ...sums);
        const low = Math.min(high, lowest);
        const none = [0, 0, 0];
        const first = members[0] ?? none;
        const lists = [
          members.flatMap((each) => [none, each]),
          [...members].reverse().flatMap((each) => [none, each]),
          // In, out, and in again; one change that leaves all as it is.
          [...members.flatMap((each) => [none, each, each, none, none, each]), first, first],
        ].map((list) => board.words(list.flat()));
        const out = board.output(DRAWS * 8);
        const top = board.output((aboveMax + 1) * 8);
        const counts = [memberCount, memberCount, memberCount * 3 + 1];
        const want = drawQuantileReference(sums, aboveMax, low, high);
        lists.forEach((list, index) => {
          board.write(out, new Array<number>(DRAWS).fill(0));
          board.snapshot();
          board.kernel.moveSums(list, counts[index] ?? 0, DRAWS, out);
          const found = board.kernel.sumQuantile(out, DRAWS, aboveMax, low, high, top);
          board.check();
          assert.equal(board.readF64(out, DRAWS), sums);
          assert.is(found, want);
        });
      }),
      { numRuns: 60 },
    );
  }
});

test("the largest sums are kept whatever their order, -0 and equal ones with them", () => {
  for (const { board } of boards) {
    const orders = [
      Array.from({ length: DRAWS }, (_, d) => d / 2),
      Array.from({ length: DRAWS }, (_, d) => (DRAWS - d) / 2),
      new Array<number>(DRAWS).fill(3),
      new Array<number>(DRAWS).fill(-0),
      Array.from({ length: DRAWS }, (_, d) => (d % 5 === 0 ? Number.NaN : d)),
    ];
    for (const values of orders) {
      for (const aboveMax of [0, 1, 6, 63]) {
        board.reset();
        const sums = board.doubles(values);
        const top = board.output((aboveMax + 1) * 8);
        board.snapshot();
        const found = board.kernel.sumQuantile(sums, DRAWS, aboveMax, 0, 40, top);
        board.check();
        assert.is(found, drawQuantileReference(values, aboveMax, 0, 40));
      }
    }
  }
});

test("a NaN draw counts as larger than anything", () => {
  for (const { board } of boards) {
    board.reset();
    const row = board.doubles([1, 2, Number.NaN, 3]);
    const changes = board.words([0, 0, 0, row, row, row]);
    const sums = board.doubles([0, 0, 0, 0]);
    const top = board.output(16);
    board.kernel.moveSums(changes, 1, 4, sums);
    assert.is(board.kernel.sumQuantile(sums, 4, 0, 0, 8, top), 8);
    assert.is(board.kernel.sumQuantile(sums, 4, 1, 0, 8, top), 3);
  }
});

test("the factors are the middles of equally likely strata, each row a shuffle of its own", () => {
  const middles = stratumScores(512);
  // Phi^-1(1 - .5 / 512) and Phi^-1(.5 + .5 / 512).
  assert.ok(Math.abs((middles[511] ?? 0) - 3.0972691) < 1e-6);
  assert.ok(Math.abs((middles[256] ?? 0) - 0.0024477) < 1e-6);
  const table = factorTable(3);
  const row = (index: number): number[] => [...table.slice(index * 512, (index + 1) * 512)];
  for (const index of [0, 1, 2]) {
    assert.equal(
      row(index).sort((a, b) => a - b),
      [...Float32Array.from(middles)],
    );
  }
  assert.not.equal(row(0), row(1));
});

test("the pool of independent members is near that of 40,000 plain draws", () => {
  const { board } = boards[0] as (typeof boards)[number];
  const knots = [0.5, 1, 2, 2.4, 4];
  const prng = new Prng(7);
  const normal = (): number => {
    let sum = 0;
    for (let k = 0; k < 12; k++) sum += prng.uniform();
    return sum - 6;
  };
  const groups = 8;
  for (const count of [4, 16, 32]) {
    const table = factorTable(groups * count);
    const plain = Array.from({ length: 40_000 }, () => {
      let sum = 0;
      for (let m = 0; m < count; m++) sum += Math.min(4, needAtScore(knots, normal()));
      return sum;
    });
    const want = drawQuantileReference(plain, 500, 0, 4 * count);
    const ratios = Array.from({ length: groups }, (_, g) => {
      board.reset();
      const zeros = board.floats(new Array<number>(512).fill(0));
      const loads = board.floats([0, 0, 0, 1]);
      const knotsPtr = board.floats([...knots, 0, 0, 0]);
      const limits = board.doubles([4, 0]);
      const rows = Array.from({ length: count }, (_, m) => {
        const at = (g * count + m) * 512;
        const own = board.floats([...table.slice(at, at + 512)]);
        const out = board.output(512 * 8);
        board.kernel.memberDraws(zeros, zeros, zeros, own, loads, knotsPtr, limits, out, 1, 512);
        return out;
      });
      const list = board.words(rows.flatMap((row) => [0, 0, 0, row, row, row]));
      const sums = board.doubles(new Array<number>(512).fill(0));
      const top = board.output(7 * 8);
      board.kernel.moveSums(list, count, 512, sums);
      return board.kernel.sumQuantile(sums, 512, 6, 0, 4 * count, top) / want;
    });
    // 512 draws find the .9875 quantile of one pool within some percent, and on the average well.
    const mean = ratios.reduce((a, b) => a + b, 0) / groups;
    assert.ok(Math.abs(mean - 1) < 0.02, `${count} members: ${mean}`);
    for (const ratio of ratios) assert.ok(Math.abs(ratio - 1) < 0.08, `${count}: ${ratio}`);
  }
});

test.run();
