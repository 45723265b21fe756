import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import type { ReserveRequest } from "../../host/allocator/types.js";
import type { ReservationRecord } from "../../host/ledger/records.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { type ErrorCode, isRepriseError } from "../../host/lib/errors.js";
import { FailingLedger, FakeProfiles } from "./fakes.js";

export const MINUTE = 60_000;
export const START = 1_700_000_000_000;

export interface World {
  readonly clock: VirtualClock;
  readonly ledger: FailingLedger;
  readonly profiles: FakeProfiles;
  readonly allocator: PredictiveAllocator;
}

/** One node "n" with 10 of everything. */
export function world(): World {
  const clock = new VirtualClock(START);
  const ledger = new FailingLedger();
  const profiles = new FakeProfiles();
  const allocator = new PredictiveAllocator({
    clock,
    ledger,
    profiles,
    debug: true,
    shrinkAfterTicks: 0,
  });
  allocator.addNode({ nodeId: "n", allocatable: [10, 10, 10, 10] });
  return { clock, ledger, profiles, allocator };
}

export function lease(
  amounts: readonly number[],
  over: Partial<ReserveRequest> = {},
): ReserveRequest {
  return {
    instanceId: "a",
    ownerId: "job-a",
    groupId: "g",
    nodeId: "n",
    amounts,
    expectedRestartMs: START + 10 * MINUTE,
    ...over,
  };
}

export function throwsCode(body: () => unknown, code: ErrorCode): void {
  try {
    body();
  } catch (error) {
    assert.ok(isRepriseError(error), String(error));
    assert.is(error.code, code, error.message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

export function cpuOf(columns: readonly number[]): readonly number[] {
  return columns.slice(0, 3);
}

export function donate(
  donorId: string,
  cpu: number,
  floor: number,
): ReservationRecord["shrinks"][number] {
  return { donorId, nodeId: "n", given: [cpu, 0, 0, 0], floor: [floor, 0, 0, 0] };
}
