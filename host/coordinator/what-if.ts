/**
 * A recorded decision made again with one thing changed: what would have come of it?
 *
 * Everything but neighbours is in the record. What they would give is known for the questions that
 * were asked then; of any other question it is guessed that each gives what it offered at most.
 */
import type { DonorSearch } from "../allocator/types.js";
import { PHASE_COUNT, RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import { canonicalJson } from "../ledger/encoding.js";
import type { DecisionRecord, ShrinkRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { decide, decisionRecord } from "./decision.js";
import type {
  AskDonors,
  DonorExchange,
  InstanceInput,
  PlanInputs,
  RecordedInputs,
} from "./inputs.js";
import { checkedPolicy } from "./policy.js";
import { aheadOf } from "./room-ahead.js";

export interface WhatIf {
  readonly key: string;
  /** What the record has. */
  readonly was: unknown;
  readonly is: unknown;
  /** As it would have been decided; no plan was made of it. */
  readonly decision: DecisionRecord;
  /** Who would be interrupted beside those of the record, and who of them would not. */
  readonly addedVictims: readonly string[];
  readonly sparedVictims: readonly string[];
  /** Verdict, victims, reasons and times as in the record. */
  readonly same: boolean;
  /** Questions to neighbours whose answer is not in the record. */
  readonly guessCount: number;
}

interface Changed {
  readonly inputs: PlanInputs;
  readonly was: unknown;
  readonly is: unknown;
}

const KEYS =
  "policy.NAME, request.force, request.deadlineMs, request.priorityMax, amount.RESOURCE, " +
  "node.ID.RESOURCE (room more or less), instance.ID.priority, instance.ID.interruptible";

/** @throws ERR_ARGUMENT for a key that there is not, or a value that cannot be; ERR_CONFIG */
export function whatIf(record: DecisionRecord, key: string, value: string): WhatIf {
  const { donorExchanges, aheads, ...inputs } = record.inputs as RecordedInputs;
  const { was, is, inputs: next } = changed(inputs, key, value);
  const donors = new RememberedDonors(donorExchanges);
  const verdict = decide(next, donors.ask, { ahead: aheadOf(aheads) });
  const decision = decisionRecord(verdict, { decisionId: `${record.decisionId}-what-if` });
  return {
    key,
    was,
    is,
    decision,
    addedVictims: decision.victims.filter((id) => !record.victims.includes(id)),
    sparedVictims: record.victims.filter((id) => !decision.victims.includes(id)),
    same: canonicalJson(outcomeOf(decision)) === canonicalJson(outcomeOf(record)),
    guessCount: donors.guessCount,
  };
}

function outcomeOf({ kind, victims, reasons, retryAtMs, nextTryMs }: DecisionRecord) {
  return { kind, victims, reasons, retryAtMs, nextTryMs };
}

function changed(inputs: PlanInputs, key: string, value: string): Changed {
  const [area, ...rest] = key.split(".");
  const name = rest.at(-1) ?? "";
  const id = rest.slice(0, -1).join(".");
  if (area === "policy" && id === "") return changedPolicy(inputs, name, value);
  if (area === "request" && id === "") return changedRequest(inputs, name, value);
  if (area === "amount" && id === "") return changedAmount(inputs, resourceOf(key, name), value);
  if (area === "node" && id !== "") {
    return changedRoom(inputs, id, { resource: resourceOf(key, name), more: numberOf(key, value) });
  }
  if (area === "instance" && id !== "") return changedInstance(inputs, id, { key, name, value });
  throw noSuchKey(key);
}

function changedPolicy(inputs: PlanInputs, name: string, value: string): Changed {
  const is = numberOf(`policy.${name}`, value);
  const policy = checkedPolicy({ ...inputs.policy, [name]: is });
  const was = new Map<string, number>(Object.entries(inputs.policy)).get(name);
  return { inputs: { ...inputs, policy }, was, is };
}

function changedRequest(inputs: PlanInputs, name: string, value: string): Changed {
  const { request } = inputs;
  const key = `request.${name}`;
  if (name === "force") {
    const is = truthOf(key, value);
    return { inputs: { ...inputs, request: { ...request, force: is } }, was: request.force, is };
  }
  const is = numberOf(key, value);
  if (name === "deadlineMs") {
    const next = { ...request, deadlineMs: is };
    return { inputs: { ...inputs, request: next }, was: request.deadlineMs, is };
  }
  if (name === "priorityMax" && request.kind === "reclaim") {
    const next = { ...request, priorityMax: is };
    return { inputs: { ...inputs, request: next }, was: request.priorityMax, is };
  }
  throw noSuchKey(key);
}

function changedAmount(inputs: PlanInputs, resource: number, value: string): Changed {
  const { request } = inputs;
  const key = `amount.${RESOURCES[resource]}`;
  const is = numberOf(key, value);
  if (request.kind !== "reclaim") throw noSuchKey(key);
  const amounts = request.amounts.map((amount, index) => (index === resource ? is : amount));
  const was = request.amounts[resource];
  return { inputs: { ...inputs, request: { ...request, amounts } }, was, is };
}

function changedRoom(
  inputs: PlanInputs,
  nodeId: string,
  so: { readonly resource: number; readonly more: number },
): Changed {
  const before = inputs.nodes.find((node) => node.nodeId === nodeId);
  if (before === undefined) throw notLookedAt("node", nodeId);
  const room = before.room.map((amount, column) =>
    Math.floor(column / PHASE_COUNT) === so.resource ? amount + so.more : amount,
  );
  const nodes = inputs.nodes.map((node) => (node === before ? { ...node, room } : node));
  const phases = (amounts: readonly number[]) =>
    amounts.slice(so.resource * PHASE_COUNT, (so.resource + 1) * PHASE_COUNT);
  return { inputs: { ...inputs, nodes }, was: phases(before.room), is: phases(room) };
}

function changedInstance(
  inputs: PlanInputs,
  instanceId: string,
  so: { readonly key: string; readonly name: string; readonly value: string },
): Changed {
  const before = inputs.instances.find((each) => each.instanceId === instanceId);
  if (before === undefined) throw notLookedAt("instance", instanceId);
  const after = instanceWith(before, so);
  const instances = inputs.instances.map((each) => (each === before ? after : each));
  const field = so.name === "priority" ? "priority" : "interruptible";
  return { inputs: { ...inputs, instances }, was: before[field], is: after[field] };
}

function instanceWith(
  before: InstanceInput,
  { key, name, value }: { readonly key: string; readonly name: string; readonly value: string },
): InstanceInput {
  if (name === "priority") return { ...before, priority: numberOf(key, value) };
  if (name === "interruptible") return { ...before, interruptible: truthOf(key, value) };
  throw noSuchKey(key);
}

function resourceOf(key: string, name: string): number {
  const names: readonly string[] = RESOURCES;
  const resource = names.indexOf(name);
  if (resource < 0) throw noSuchKey(key);
  return resource;
}

function numberOf(key: string, value: string): number {
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (Number.isFinite(number)) return number;
  throw new RepriseError("ERR_ARGUMENT", "the value of a what-if", {
    field: key,
    got: value,
    expected: "a finite number",
  });
}

function truthOf(key: string, value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new RepriseError("ERR_ARGUMENT", "the value of a what-if", {
    field: key,
    got: value,
    expected: "true or false",
  });
}

function noSuchKey(key: string): RepriseError {
  const details = { field: "what-if", got: key, expected: KEYS };
  return new RepriseError("ERR_ARGUMENT", "nothing of this decision has this name", details);
}

function notLookedAt(kind: string, id: string): RepriseError {
  const details = { field: kind, got: id, expected: "one that the decision looked at" };
  return new RepriseError("ERR_UNKNOWN_ID", `no such ${kind} in this decision`, details);
}

/** Answers from what neighbours said when the decision was made. */
class RememberedDonors {
  guessCount = 0;
  readonly #exchanges: readonly DonorExchange[];
  readonly #asked = new Map<string, number>();

  constructor(exchanges: readonly DonorExchange[]) {
    this.#exchanges = exchanges;
  }

  readonly ask: AskDonors = (search) => {
    const { nodeId, groupId, missing, exclude } = search;
    const question = canonicalJson([nodeId, groupId, missing]);
    const nth = this.#asked.get(question) ?? 0;
    this.#asked.set(question, nth + 1);
    const same = this.#exchanges.filter(
      (each) => canonicalJson([each.nodeId, each.groupId, each.missing]) === question,
    );
    // The same question was answered again and again while others were already giving.
    const answer = same[nth]?.answer;
    if (answer?.every(({ donorId }) => exclude?.has(donorId) !== true)) return answer;
    this.guessCount += 1;
    return this.#guess(search);
  };

  #guess({ nodeId, missing, exclude, partial }: DonorSearch): readonly ShrinkRecord[] {
    const offers = new Map<string, ShrinkRecord>();
    for (const { answer } of this.#exchanges) {
      for (const offer of answer) {
        if (offer.nodeId !== nodeId || exclude?.has(offer.donorId) === true) continue;
        offers.set(offer.donorId, larger(offers.get(offer.donorId), offer));
      }
    }
    let left = [...missing];
    const shrinks = [...offers.values()].flatMap((offer) => {
      const given = offer.given.map((amount, resource) => Math.min(amount, left[resource] ?? 0));
      if (given.every((amount) => amount <= 0)) return [];
      left = left.map((amount, resource) => amount - (given[resource] ?? 0));
      return [{ ...offer, given }];
    });
    return partial === true || left.every((amount) => amount <= 0) ? shrinks : [];
  }
}

function larger(before: ShrinkRecord | undefined, offer: ShrinkRecord): ShrinkRecord {
  if (before === undefined) return offer;
  const given = new Array<number>(RESOURCE_COUNT).fill(0);
  return {
    ...offer,
    given: given.map((_, r) => Math.max(before.given[r] ?? 0, offer.given[r] ?? 0)),
  };
}
