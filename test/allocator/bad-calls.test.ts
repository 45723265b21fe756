/** What callers in plain JavaScript may hand over: a typed error each, and nothing changes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { AllocatorOptions } from "../../host/allocator/allocator.js";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { compileBinary } from "../../host/core/binary.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { FailingLedger, FakeProfiles, flat } from "./fakes.js";

const test = suite("allocator/bad-calls");
const START = 1_700_000_000_000;

function parts(): AllocatorOptions & { readonly ledger: FailingLedger } {
  const profiles = new FakeProfiles().set("a", { need: [1, 1, 1, 1] });
  const module = compileBinary("release");
  const clock = new VirtualClock(START);
  return { profiles, module, clock, ledger: new FailingLedger(), debug: true };
}

function refused(body: () => unknown, field: string): void {
  try {
    body();
  } catch (error) {
    assert.ok(isRepriseError(error), `${field}: ${error}`);
    assert.equal([error.code, error.context.field], ["ERR_ARGUMENT", field]);
    return;
  }
  assert.unreachable(`${field} was accepted`);
}

test("a missing or mistyped argument is named, and nothing is written", () => {
  const { ledger, ...rest } = parts();
  const allocator = new PredictiveAllocator({ ...rest, ledger });
  allocator.addNode({ nodeId: "n", allocatable: [8, 8, 8, 8] });
  allocator.allocate("a", "g", "n", [1, 1, 1, 1]);
  const before = ledger.commitCount;
  const need = flat(1);
  const lease = { instanceId: "b", ownerId: "b", groupId: "g", nodeId: "n", amounts: need };
  const request = { ...lease, expectedRestartMs: START };
  const none = [undefined, null, "n", 3, []] as unknown as never[];
  for (const value of none) {
    refused(() => allocator.addNode(value), "node");
    refused(() => allocator.allocateResources("a", value), "request");
    refused(() => allocator.reserve(value), "request");
    refused(() => allocator.claim("lease-000000000001", value), "claim");
    refused(() => allocator.fit(value), "question");
    refused(() => allocator.donors(value), "search");
  }
  for (const nodeIds of [null, "n", 3, {}, [1]] as unknown as never[]) {
    refused(() => allocator.allocateResources("a", { nodeIds }), "nodeIds");
    refused(() => allocator.fit({ need, nodeIds }), "nodeIds");
  }
  for (const shrinks of ["n", 3, {}, [null]] as unknown as never[]) {
    refused(() => allocator.reserve({ ...request, shrinks }), "shrinks");
  }
  refused(() => allocator.fit({ need, freed: {} as never }), "freed");
  refused(() => allocator.fit({ need, freed: new Map([["n", [1]]]) }), "freed");
  assert.is(ledger.commitCount, before);
  allocator.checkInvariants();
});

test("an allocator without its parts is not made", () => {
  const all = parts();
  refused(() => new PredictiveAllocator(undefined as never), "options");
  for (const name of ["profiles", "ledger", "clock"] as const) {
    refused(() => new PredictiveAllocator({ ...all, [name]: undefined as never }), name);
  }
});

test.run();
