/** The tied cases of classes.test.ts, 10,000 of them; every plan is held against all others. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tiedResult } from "./classes.js";

const test = suite("plan/inversions.slow");

test("no inversion where budgets tie classes together, in 10,000 cases of up to 20", () => {
  for (let seed = 0; seed < 10_000; seed++) {
    const { cover, coverable, inversions } = tiedResult(seed);
    assert.is(cover.covered, coverable, `seed ${seed}`);
    assert.is(inversions, 0, `seed ${seed}`);
  }
});

test.run();
