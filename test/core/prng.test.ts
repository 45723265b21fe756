import { test } from "uvu";
import * as assert from "uvu/assert";
import { Prng } from "../../host/lib/prng.js";

test("the same seed gives the same stream, another seed another", () => {
  const first = new Prng(7);
  const again = new Prng(7);
  const other = new Prng(8);
  const draw = (prng: Prng) => Array.from({ length: 100 }, () => prng.uint32());
  const stream = draw(first);
  assert.equal(draw(again), stream);
  assert.not.equal(draw(other), stream);
});

test("the stream is pinned, so a seed in a report keeps its meaning", () => {
  const prng = new Prng(1);
  assert.equal(
    [prng.uint32(), prng.uint32(), prng.uint32(), prng.uint32()],
    [393288148, 2174103013, 3814759091, 2092745082],
  );
});

test("uniform stays in [0, 1) and fills ten bins evenly", () => {
  const prng = new Prng(3);
  const bins = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 100_000; draw++) {
    const value = prng.uniform();
    assert.ok(value >= 0 && value < 1);
    const bin = Math.floor(value * 10);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  // Five standard deviations of a binomial with n = 100,000 and p = 0.1.
  for (const count of bins) assert.ok(Math.abs(count - 10_000) < 475, `bin holds ${count}`);
});

test("below stays under its bound and reaches both ends", () => {
  const prng = new Prng(5);
  const seen = new Set(Array.from({ length: 1_000 }, () => prng.below(7)));
  assert.equal([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
  assert.is(prng.below(1), 0);
});

test("shuffle keeps every item and changes the order", () => {
  const prng = new Prng(11);
  const items = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = prng.shuffle([...items]);
  assert.not.equal(shuffled, items);
  assert.equal(
    [...shuffled].sort((left, right) => left - right),
    items,
  );
  assert.equal(prng.shuffle([]), []);
});

test.run();
