/** What the process of the lease crash test does, as a function of the step and the books alone. */
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import type { Ledger } from "../../host/ledger/ledger.js";
import type { ReservationRecord } from "../../host/ledger/records.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import { FakeProfiles } from "../allocator/fakes.js";

const START = 1_700_000_000_000;
const STEP_MS = 90_000;
const OWNERS = 24;
const NODES = ["n0", "n1", "n2"];

export interface Books {
  readonly allocator: PredictiveAllocator;
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
}

/** Opens the allocator on a ledger, at the time of the last step written there. */
export function openBooks(ledger: Ledger): Books {
  const clock = new VirtualClock(timeOf(stepOf(ledger)));
  const profiles = new FakeProfiles();
  for (let owner = 0; owner < OWNERS; owner++) {
    profiles.set(`i${owner}`, { need: [2, 2, 1, 1], keep: [1, 1, 0, 0] });
  }
  const allocator = new PredictiveAllocator({
    profiles,
    ledger,
    clock,
    debug: true,
    shrinkAfterTicks: 0,
  });
  allocator.restore();
  return { allocator, clock, ledger };
}

export function stepOf(ledger: Ledger): number {
  return Number(ledger.get("meta", "step") ?? 0);
}

/** One step: a few changes of leases and allocations in one commit. */
export function runStep(books: Books, seed: number, step: number): void {
  const { allocator, clock } = books;
  const prng = new Prng(seed * 1_000_003 + step);
  clock.advanceTo(timeOf(step));
  allocator.transact(
    () => {
      if (step === 1) addNodes(allocator);
      allocator.expire();
      const count = 1 + prng.below(3);
      for (let change = 0; change < count; change++) tolerant(() => changeOne(books, prng));
    },
    () => [{ table: "meta", key: "step", put: step }],
  );
}

function timeOf(step: number): number {
  return START + step * STEP_MS;
}

function addNodes(allocator: PredictiveAllocator): void {
  for (const nodeId of NODES) allocator.addNode({ nodeId, allocatable: [24, 24, 50, 50] });
}

function changeOne({ allocator, clock }: Books, prng: Prng): void {
  const instanceId = `i${prng.below(OWNERS)}`;
  const nodeId = NODES[prng.below(NODES.length)] ?? "n0";
  const held = [...allocator.reservations()].filter(({ state }) => state === "held");
  const lease = held[prng.below(Math.max(1, held.length))];
  const draw = prng.below(10);
  if (draw < 2) {
    const size = 1 + prng.below(4);
    allocator.allocate(instanceId, "g", nodeId, [size, size, 1, 1]);
  } else if (draw < 3) {
    allocator.release(instanceId);
  } else if (draw < 7) {
    const size = 1 + prng.below(6);
    const amounts = new Array<number>(12).fill(size);
    const missing = [prng.below(2), 0, 0, 0];
    const exclude = new Set([instanceId]);
    const shrinks = allocator.donors({ nodeId, groupId: "g", missing, exclude });
    const expectedRestartMs = clock.nowMs() + prng.below(20) * 60_000;
    const request = { instanceId, ownerId: instanceId, groupId: "g", nodeId, amounts, shrinks };
    allocator.reserve({ ...request, expectedRestartMs });
  } else if (lease !== undefined) {
    endOrMove(allocator, lease, draw - 7);
  }
}

function endOrMove(allocator: PredictiveAllocator, lease: ReservationRecord, how: number): void {
  const { reservationId, fencingToken, instanceId } = lease;
  if (how === 0) allocator.releaseReservation(reservationId, fencingToken);
  else if (how === 1)
    allocator.renew(reservationId, fencingToken, lease.expectedRestartMs + 60_000);
  else allocator.claim(reservationId, { fencingToken, instanceId });
}

/** No room, nothing to release, an owner that holds one already: then this change is none. */
function tolerant(change: () => void): void {
  try {
    change();
  } catch (error) {
    const codes = ["ERR_NO_ROOM", "ERR_UNKNOWN_ID", "ERR_STATE"];
    if (!isRepriseError(error) || !codes.includes(error.code)) throw error;
  }
}
