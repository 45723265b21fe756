import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { trimShrinks } from "../../host/coordinator/donor-trim.js";

const amounts = fc.array(
  fc.integer({ min: 0, max: 4096 }).map((steps) => steps / 1024),
  { minLength: 4, maxLength: 4 },
);
const worlds = fc.record({
  givens: fc.array(fc.record({ given: amounts, floor: amounts, victim: fc.boolean() }), {
    minLength: 1,
    maxLength: 8,
  }),
  spare: amounts,
});

test("enough is still given, nobody gives more than before, and a victim's part stays", () => {
  fc.assert(
    fc.property(worlds, ({ givens, spare }) => {
      const records = givens.map(({ given, floor }, index) => ({
        donorId: `d${index}`,
        nodeId: index % 2 === 0 ? "a" : "b",
        given,
        floor,
      }));
      const isVictim = (index: number): boolean => givens[index]?.victim === true;
      const victims = new Set(records.filter((_, index) => isVictim(index)).map((r) => r.donorId));
      const shrinks = new Map(
        ["a", "b"].map((nodeId) => [nodeId, records.filter((r) => r.nodeId === nodeId)] as const),
      );
      const trimmed = trimShrinks(shrinks, spare, victims);
      const after = [...trimmed.shrinks.values()].flat();
      const before = new Map(records.map((record) => [record.donorId, record]));
      for (const { donorId, given } of after) {
        const old = before.get(donorId)?.given ?? [];
        if (victims.has(donorId)) assert.equal(given, old);
        given.forEach((amount, d) => {
          assert.ok(amount <= (old[d] ?? 0) && Number.isInteger(amount * 1024));
        });
      }
      assert.is(after.filter(({ donorId }) => victims.has(donorId)).length, victims.size);
      const sum = (list: readonly { readonly given: readonly number[] }[], d: number): number =>
        list.reduce((all, { given }) => all + (given[d] ?? 0), 0);
      for (const d of [0, 1, 2, 3]) {
        assert.ok(sum(after, d) >= sum(records, d) - (spare[d] ?? 0), `resource ${d}`);
      }
      const donors = after.filter(({ donorId }) => !victims.has(donorId));
      assert.is(trimmed.donorCount, donors.length);
      checkFewest(
        trimmed.donorCountMin,
        records.filter(({ donorId }) => !victims.has(donorId)),
        spare,
      );
    }),
    { numRuns: 300 },
  );
});

/** The bound on the number of donors holds against every choice. */
function checkFewest(
  atLeast: number,
  donors: readonly { readonly given: readonly number[] }[],
  spare: readonly number[],
): void {
  for (let bits = 0; bits < 2 ** donors.length; bits++) {
    const chosen = donors.filter((_, index) => ((bits >> index) & 1) === 1);
    if (chosen.length >= atLeast) continue;
    const isEnough = spare.every((amount, d) => {
      const all = donors.reduce((sum, { given }) => sum + (given[d] ?? 0), 0);
      return chosen.reduce((sum, { given }) => sum + (given[d] ?? 0), 0) >= all - amount;
    });
    assert.not.ok(isEnough, `${chosen.length} donors give enough`);
  }
}

test.run();
