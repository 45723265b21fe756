/** Plausible records to write down. */
import type { DecisionRecord, PlanRecord, ReservationRecord } from "../../host/ledger/records.js";

export function reservationRecord(reservationId: string): ReservationRecord {
  return {
    reservationId,
    ownerId: `owner-of-${reservationId}`,
    instanceId: "i1",
    nodeId: "n1",
    groupId: "g1",
    amounts: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.5],
    state: "held",
    fencingToken: 7,
    createdMs: 1_700_000_000_000,
    expectedRestartMs: 1_700_000_600_000,
    expiresMs: 1_700_001_500_000,
    planId: "p1",
    shrinks: [{ donorId: "i2", nodeId: "n1", given: [1, 0, 0, 0], floor: [2, 4, 0, 0] }],
  };
}

export function planRecord(planId: string): PlanRecord {
  return {
    planId,
    requestId: "q1",
    state: "committed",
    createdMs: 1_700_000_000_000,
    victims: ["i1"],
    reservationIds: ["r1"],
    shrinks: [],
    confirmedActs: [],
    fencingToken: 3,
  };
}

export function decisionRecord(decisionId: string): DecisionRecord {
  return {
    decisionId,
    requestId: "q1",
    kind: "defer",
    decidedMs: 1_700_000_000_000,
    reasons: [{ code: "MIN_RUN_TIME", text: "ran 2 of 5 minutes" }],
    retryAtMs: 1_700_000_180_000,
    victims: [],
    candidates: [],
    inputsHash: "00",
    inputs: { requests: ["é", null, true, { nested: [-1.5e-7] }] },
    modelVersion: "none",
  };
}
