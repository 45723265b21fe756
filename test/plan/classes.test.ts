import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Candidate, GroupBudgets } from "../../host/coordinator/candidates.js";
import { type Cover, selectVictims } from "../../host/coordinator/cover.js";
import { randomCase } from "./cases.js";
import { candidatesOf, tiedResult } from "./classes.js";

const test = suite("plan/classes");
const CASES = 10_000;

function leftBy(needed: readonly number[], those: readonly Candidate[]): number[] {
  return needed.map((amount, d) =>
    those.reduce((left, { input }) => left - (input.freed[d] ?? 0), amount),
  );
}

/** Victims who could be spared if lower classes gave all they have. */
function inversions(needed: readonly number[], all: readonly Candidate[], cover: Cover): number {
  return cover.victims.filter((victim) => {
    const others = cover.victims.filter(
      (other) => other !== victim && other.priority >= victim.priority,
    );
    const lower = all.filter(({ priority }) => priority < victim.priority);
    return leftBy(needed, [...others, ...lower]).every((amount) => amount <= 0);
  }).length;
}

test("no victim whom lower classes could have spared, in 10,000 cases", () => {
  let classes = 0;
  for (let seed = 0; seed < CASES; seed++) {
    const question = randomCase({ count: 5 + (seed % 8), resources: 1 + (seed % 4) }, seed);
    const candidates = candidatesOf(question);
    const { needed } = question;
    const cover = selectVictims({ needed, candidates, budgets: new GroupBudgets(1) });
    assert.ok(cover.covered, `seed ${seed}`);
    assert.is(inversions(needed, candidates, cover), 0, `seed ${seed}`);
    classes += new Set(cover.victims.map(({ priority }) => priority)).size;
    checkBounds(cover, seed);
  }
  assert.ok(classes > 2 * CASES, "most cases touch several classes");
});

function checkBounds({ bounds, victims }: Cover, seed: number): void {
  const priorities = bounds.map(({ priority }) => priority);
  assert.equal(
    priorities,
    [...priorities].sort((a, b) => b - a),
  );
  for (const { priority, cost, bound } of bounds) {
    const own = victims.filter((victim) => victim.priority === priority);
    const sum = own.reduce((total, victim) => total + victim.cost, 0);
    assert.ok(Math.abs(cost - sum) <= 1e-12 * sum && bound <= cost, `seed ${seed}`);
  }
}

test("budgets tie classes together: no inversion, covered whenever it can be, 500 cases", () => {
  let covers = 0;
  for (let seed = 0; seed < 500; seed++) {
    const { cover, coverable, inversions } = tiedResult(seed);
    assert.is(cover.covered, coverable, `seed ${seed}`);
    assert.is(inversions, 0, `seed ${seed}`);
    if (!cover.covered) continue;
    covers++;
    checkBounds(cover, seed);
  }
  assert.ok(covers > 250 && covers < 500, `${covers} of 500 can be covered`);
});

test.run();
