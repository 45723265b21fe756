import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type DownInstance, DownInstances } from "../../host/coordinator/down-instances.js";
import { VersionedMap } from "../../host/lib/versioned-map.js";

const test = suite("coordinator/versioned map");

test("each version stays as it was, whichever is read or changed next", () => {
  const change = fc.record({
    from: fc.nat(),
    key: fc.nat(5),
    value: fc.option(fc.nat(9), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const versions = [new VersionedMap<number, number>([[0, 1]])];
      const models = [new Map([[0, 1]])];
      for (const { from, key, value } of changes) {
        const at = from % versions.length;
        const model = new Map(models[at]);
        const before = versions[at];
        if (before === undefined) continue;
        versions.push(value === undefined ? before.without(key) : before.with(key, value));
        if (value === undefined) model.delete(key);
        else model.set(key, value);
        models.push(model);
        const looked = (from * 7) % versions.length;
        const [version, expected] = [versions[looked], models[looked] ?? new Map()];
        assert.is(version?.size, expected.size);
        for (let each = 0; each <= 5; each++) {
          assert.is(version?.has(each), expected.has(each));
          assert.is(version?.get(each), expected.get(each));
        }
        assert.equal(version?.values().sort(), [...expected.values()].sort());
      }
    }),
  );
});

test("a key whose value is undefined is there", () => {
  const map = new VersionedMap<string, undefined>().with("a", undefined);
  assert.ok(map.has("a"));
  assert.is(map.size, 1);
  const without = map.without("a");
  assert.not.ok(without.has("a"));
  assert.ok(map.has("a"));
  assert.is(map.without("b"), map);
});

test("who is down is found by id and by group, whatever came and went", () => {
  const step = fc.tuple(fc.boolean(), fc.nat(7), fc.nat(2), fc.nat(3));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let down = new DownInstances();
      const model = new Map<string, DownInstance>();
      for (const [comes, index, group, time] of steps) {
        const instanceId = `i${index}`;
        const each = { instanceId, groupId: `g${group}`, expectedRestartMs: time };
        down = comes ? down.with([each]) : down.without([instanceId]);
        if (comes) model.set(instanceId, each);
        else model.delete(instanceId);
        assert.is(down.size, model.size);
        assert.is(down.has(instanceId), comes);
        for (const groupId of ["g0", "g1", "g2"]) {
          const ids = (all: Iterable<DownInstance>) =>
            [...all].map((one) => `${one.instanceId}/${one.expectedRestartMs}`).sort();
          const expected = [...model.values()].filter((one) => one.groupId === groupId);
          assert.equal(ids(down.ofGroups([groupId])), ids(expected));
        }
      }
      assert.is(down.without(["nobody"]), down);
    }),
  );
});

test.run();
