/** What every ledger promises, whatever it is made of. Each implementation's test runs all of it. */

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareKeys } from "../../host/ledger/encoding.js";
import type { Ledger, LedgerChange, LedgerRange } from "../../host/ledger/ledger.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { rejectedBy } from "../support/thrown.js";
import { decisionRecord, planRecord, reservationRecord } from "./records.js";

export type OpenLedger = () => Ledger | Promise<Ledger>;

export function conformance(name: string, open: OpenLedger): ReturnType<typeof suite> {
  const test = suite(`${name} conformance`);

  test("a new ledger is empty", async () => {
    const ledger = await open();
    assert.is(ledger.get("reservation", "r1"), undefined);
    assert.is(ledger.count("reservation"), 0);
    assert.equal([...ledger.entries("plan")], []);
    await ledger.close();
  });

  test("what was committed is read back, whole and equal", async () => {
    const ledger = await open();
    const changes: LedgerChange[] = [
      { table: "reservation", key: "r1", put: reservationRecord("r1") },
      { table: "plan", key: "p1", put: planRecord("p1") },
      { table: "decision", key: "d1", put: decisionRecord("d1") },
      { table: "meta", key: "modelVersion", put: "reprise@0123456789ab" },
      { table: "meta", key: "fencingToken", put: 41 },
      {
        table: "allocation",
        key: "i1",
        put: { instanceId: "i1", nodeId: "n1", groupId: "g1", allocated: [1, 2, 0.0009765625, 4] },
      },
      {
        table: "incarnation",
        key: "i1",
        put: { instanceId: "i1", incarnation: 3, launchedMs: 5, interruptionsMs: [1, 2] },
      },
    ];
    ledger.commit(changes);
    for (const change of changes) {
      if ("put" in change) assert.equal(ledger.get(change.table, change.key), change.put);
    }
    await ledger.close();
  });

  test("a group is stored whole or not at all, and reads inside see it", async () => {
    const ledger = await open();
    assert.ok(ledger.group !== undefined);
    ledger.commit([{ table: "meta", key: "a", put: 1 }]);
    const answer = ledger.group?.(() => {
      ledger.commit([{ table: "meta", key: "a", put: 2 }]);
      assert.is(ledger.get("meta", "a"), 2);
      ledger.commit([{ table: "meta", key: "b", put: 3 }]);
      assert.equal(
        [...ledger.entries("meta")].map(([key]) => key),
        ["a", "b"],
      );
      return "done";
    });
    assert.is(answer, "done");
    const trouble = new Error("midway");
    assert.throws(
      () =>
        ledger.group?.(() => {
          ledger.commit([{ table: "meta", key: "a", remove: true }]);
          ledger.commit([{ table: "meta", key: "c", put: 4 }]);
          throw trouble;
        }),
      (error: unknown) => error === trouble,
    );
    assert.equal(
      [...ledger.entries("meta")],
      [
        ["a", 2],
        ["b", 3],
      ],
    );
    await ledger.close();
  });

  test("a group in a group and one that waits are refused, and change nothing", async () => {
    const ledger = await open();
    const inGroup = (body: () => unknown) => () => ledger.group?.(body);
    const put = () => ledger.commit([{ table: "meta", key: "a", put: 1 }]);
    const codeIs = (code: string) => (error: unknown) =>
      isRepriseError(error) && error.code === code;
    assert.throws(
      inGroup(() => {
        put();
        inGroup(put)();
      }),
      codeIs("ERR_STATE"),
    );
    assert.throws(
      inGroup(() => {
        put();
        return Promise.resolve();
      }),
      codeIs("ERR_ARGUMENT"),
    );
    assert.is(ledger.count("meta"), 0);
    put();
    assert.is(ledger.count("meta"), 1);
    await ledger.close();
  });

  test("what it holds and who writes stays when memory is given back", async () => {
    const ledger = await open();
    ledger.commit([{ table: "meta", key: "a", put: 1 }]);
    await ledger.release?.();
    assert.is(ledger.get("meta", "a"), 1);
    ledger.commit([{ table: "meta", key: "a", put: 2 }]);
    await ledger.release?.();
    assert.equal([...ledger.entries("meta")], [["a", 2]]);
    await ledger.close();
    if (ledger.release === undefined) return;
    const error = await rejectedBy(async () => ledger.release?.());
    assert.is(error.code, "ERR_STATE");
  });

  test("later changes of one commit win, and a removal removes", async () => {
    const ledger = await open();
    ledger.commit([
      { table: "meta", key: "a", put: 1 },
      { table: "meta", key: "a", put: 2 },
      { table: "meta", key: "b", put: 3 },
      { table: "meta", key: "b", remove: true },
      { table: "meta", key: "never", remove: true },
    ]);
    assert.is(ledger.get("meta", "a"), 2);
    assert.is(ledger.get("meta", "b"), undefined);
    assert.is(ledger.count("meta"), 1);
    await ledger.close();
  });

  test("tables do not see each other's keys", async () => {
    const ledger = await open();
    ledger.commit([{ table: "plan", key: "x", put: planRecord("x") }]);
    assert.is(ledger.get("decision", "x"), undefined);
    assert.is(ledger.count("decision"), 0);
    await ledger.close();
  });

  test("what a caller does to a record afterwards does not reach the ledger", async () => {
    const ledger = await open();
    const allocated = [1, 2, 3, 4];
    const put = { instanceId: "i", nodeId: "n", groupId: "g", allocated };
    ledger.commit([{ table: "allocation", key: "i", put }]);
    allocated[0] = 99;
    const read = ledger.get("allocation", "i");
    assert.is(read?.allocated[0], 1);
    (read?.allocated as number[])[1] = 77;
    assert.is(ledger.get("allocation", "i")?.allocated[1], 2);
    await ledger.close();
  });

  refusals(test, open);
  ranges(test, open);

  test("anything after close is ERR_STATE, a second close is nothing", async () => {
    const ledger = await open();
    await ledger.close();
    await ledger.close();
    assert.throws(() => ledger.commit([]), hasCode("ERR_STATE"));
    assert.throws(() => ledger.get("meta", "a"), hasCode("ERR_STATE"));
    assert.throws(() => ledger.count("meta"), hasCode("ERR_STATE"));
    assert.throws(() => [...ledger.entries("meta")], hasCode("ERR_STATE"));
  });

  return test;
}

function refusals(test: ReturnType<typeof suite>, open: OpenLedger): void {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const bad: readonly (readonly [string, unknown])[] = [
    ["NaN", Number.NaN],
    ["infinity", [1, Number.POSITIVE_INFINITY]],
    ["a hole", [1, undefined, 3]],
    ["a function", { act: () => 1 }],
    ["a bigint", 1n],
    ["a date", new Date(0)],
    ["a typed array", new Float64Array(2)],
    ["a cycle", cyclic],
  ];
  for (const [what, inputs] of bad) {
    test(`a commit that holds ${what} is refused whole`, async () => {
      const ledger = await open();
      ledger.commit([{ table: "meta", key: "kept", put: 1 }]);
      const refused: LedgerChange[] = [
        { table: "meta", key: "kept", put: 2 },
        { table: "meta", key: "new", put: 3 },
        { table: "decision", key: "d", put: { ...decisionRecord("d"), inputs } },
      ];
      assert.throws(() => ledger.commit(refused), hasCode("ERR_LEDGER"));
      assert.is(ledger.get("meta", "kept"), 1);
      assert.is(ledger.get("meta", "new"), undefined);
      assert.is(ledger.count("decision"), 0);
      await ledger.close();
    });
  }

  test("a refusal names the path of what cannot be held", async () => {
    const ledger = await open();
    const inputs = { requests: [{ amounts: [1, Number.NaN] }] };
    const changes: LedgerChange[] = [
      { table: "decision", key: "d", put: { ...decisionRecord("d"), inputs } },
    ];
    assert.throws(() => ledger.commit(changes), /value\.inputs\.requests\.0\.amounts\.1.*NaN/);
    await ledger.close();
  });

  test("a key that is empty, too long or broken text is refused whole", async () => {
    const ledger = await open();
    for (const key of ["", "k".repeat(1025), "\ud800"]) {
      const changes: LedgerChange[] = [
        { table: "meta", key: "first", put: 1 },
        { table: "meta", key, put: 1 },
      ];
      assert.throws(() => ledger.commit(changes), hasCode("ERR_LEDGER"));
      assert.is(ledger.count("meta"), 0);
    }
    ledger.commit([{ table: "meta", key: "k".repeat(1024), put: 1 }]);
    assert.is(ledger.count("meta"), 1);
    await ledger.close();
  });

  test("an unknown table is refused whole", async () => {
    const ledger = await open();
    const changes = [
      { table: "meta", key: "a", put: 1 },
      { table: "gossip", key: "a", put: 1 },
    ] as unknown as LedgerChange[];
    assert.throws(() => ledger.commit(changes), hasCode("ERR_LEDGER"));
    assert.is(ledger.count("meta"), 0);
    await ledger.close();
  });
}

function ranges(test: ReturnType<typeof suite>, open: OpenLedger): void {
  test("an iteration under way does not see later commits", async () => {
    const ledger = await open();
    ledger.commit(["a", "b", "c"].map((key) => ({ table: "meta", key, put: key })));
    const seen: string[] = [];
    for (const [key] of ledger.entries("meta")) {
      seen.push(key);
      ledger.commit([
        { table: "meta", key: "c", remove: true },
        { table: "meta", key: "d", put: "d" },
      ]);
    }
    assert.equal(seen, ["a", "b", "c"]);
    assert.is(ledger.count("meta"), 3);
    await ledger.close();
  });

  test("random commits agree with a plain map; ranges come in the order of bytes", async () => {
    const key = fc.oneof(
      fc.constantFrom("a", "b", "ab", "é", "z", "\u{1F600}", "\uFFFD", "\u0000", "~"),
      fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }),
    );
    const change = fc.tuple(key, fc.option(fc.integer()));
    const range = fc.record(
      { from: key, limit: fc.nat(6), reverse: fc.boolean() },
      { requiredKeys: [] },
    );
    const shared = await open();
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 5 }), { maxLength: 8 }),
        range,
        (all, r) => {
          const model = new Map<string, number>();
          shared.commit(
            [...shared.entries("meta")].map(([k]) => ({ table: "meta", key: k, remove: true })),
          );
          for (const commit of all) {
            shared.commit(commit.map(([k, value]) => toChange(k, value)));
            for (const [k, value] of commit) {
              if (value === null) model.delete(k);
              else model.set(k, value);
            }
          }
          assert.is(shared.count("meta"), model.size);
          assert.equal([...shared.entries("meta", r)], plainRange(model, r));
        },
      ),
      { numRuns: 60 },
    );
    await shared.close();
  });

  test("the order of keys is the order of their UTF-8 bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        assert.is(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
}

function toChange(key: string, value: number | null): LedgerChange {
  return value === null ? { table: "meta", key, remove: true } : { table: "meta", key, put: value };
}

function plainRange(model: ReadonlyMap<string, number>, range: LedgerRange): [string, number][] {
  const all = [...model].sort((a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])));
  const sign = range.reverse === true ? -1 : 1;
  if (sign < 0) all.reverse();
  const { from } = range;
  const inside = all.filter(
    ([key]) =>
      from === undefined || sign * Buffer.compare(Buffer.from(key), Buffer.from(from)) >= 0,
  );
  return inside.slice(0, range.limit ?? inside.length);
}

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => isRepriseError(error) && error.code === code;
}
