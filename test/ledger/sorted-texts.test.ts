import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareKeys } from "../../host/ledger/encoding.js";
import { SortedTexts } from "../../host/ledger/sorted-texts.js";

const test = suite("sorted texts");

/** The same by sorting all keys at each question. */
function sliceOf(
  model: ReadonlyMap<string, string>,
  range: { from?: string; limit?: number; reverse?: boolean },
): [string, string][] {
  const { from, limit = model.size, reverse = false } = range;
  const sorted = [...model].sort(([a], [b]) => (reverse ? compareKeys(b, a) : compareKeys(a, b)));
  const isIn = (key: string) =>
    from === undefined || (reverse ? compareKeys(key, from) <= 0 : compareKeys(key, from) >= 0);
  return sorted.filter(([key]) => isIn(key)).slice(0, limit);
}

test("any changes and questions, as a map that is sorted anew for each", () => {
  const key = fc.oneof(
    fc.nat(40).map(String),
    fc.constantFrom("", "\ud800\udc00", "\uffff", "\ue000", "é"),
  );
  const range = fc.record(
    { from: key, limit: fc.nat(12), reverse: fc.boolean() },
    { requiredKeys: [] },
  );
  const step = fc.tuple(key, fc.option(fc.string({ maxLength: 2 }), { nil: undefined }), range);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const texts = new SortedTexts();
      const model = new Map<string, string>();
      for (const [name, text, asked] of steps) {
        texts.set(name, text);
        if (text === undefined) model.delete(name);
        else model.set(name, text);
        assert.is(texts.size, model.size);
        assert.is(texts.get(name), text);
        assert.equal(texts.slice(asked), sliceOf(model, asked));
      }
    }),
  );
});

test("thousands of keys, added in any order and half removed again, over many blocks", () => {
  const names = Array.from({ length: 5_000 }, (_, at) => `k-${(at * 1_237) % 5_000}`);
  for (const order of [names, [...names].sort(compareKeys), [...names].sort().reverse()]) {
    const texts = new SortedTexts();
    const model = new Map<string, string>();
    for (const name of order) {
      texts.set(name, name);
      model.set(name, name);
    }
    for (const name of names.slice(0, 3_000)) {
      texts.set(name, undefined);
      model.delete(name);
    }
    for (const from of [undefined, "k-", "k-2500", "k-9999", "l"]) {
      for (const reverse of [false, true]) {
        const range = { reverse, ...(from === undefined ? {} : { from }) };
        assert.equal(texts.slice(range), sliceOf(model, range));
        assert.equal(texts.slice({ ...range, limit: 7 }), sliceOf(model, { ...range, limit: 7 }));
      }
    }
    for (const name of names) texts.set(name, undefined);
    assert.is(texts.size, 0);
    assert.equal(texts.slice({}), []);
    texts.set("again", "1");
    assert.equal(texts.slice({ reverse: true }), [["again", "1"]]);
  }
});

test.run();
