/** Where a need fits: questions over nodes, and the search of a place for one lease. */
import { RESOURCE_COUNT } from "../core/abi.js";
import { checkNeedAmounts, roundUp } from "./amounts.js";
import type { Book, NodeState } from "./book.js";
import { checkFields, checkFreed, checkNodeIds, requireNode } from "./checks.js";
import type { FitTable } from "./fit-table.js";
import {
  headroomOf,
  isZero,
  type LeaseQuestion,
  leaseRoom,
  missingOf,
  phasePeaks,
} from "./room.js";
import type { FitAnswer, FitQuestion } from "./types.js";

/** A node, its room for one lease, and what of the need that room lacks. */
export interface Offer {
  readonly nodeId: string;
  readonly room: readonly number[];
  readonly missing: readonly number[];
  /** Missing as a share of the node, summed over the resources; 0 when it fits. */
  readonly lackRatio: number;
}

export interface PlaceQuestion extends LeaseQuestion {
  readonly need: readonly number[];
  readonly nodeIds?: readonly string[] | undefined;
  readonly preferredNodeId?: string | undefined;
}

export class Placement {
  readonly #book: Book;
  readonly #table: FitTable;

  constructor(book: Book, table: FitTable) {
    this.#book = book;
    this.#table = table;
  }

  /** Compares the need with the room from now on, band by band. */
  fit(question: FitQuestion, nowMs: number): FitAnswer {
    checkFields(question, "question");
    checkNeedAmounts(question.need, "need");
    checkNodeIds(question.nodeIds);
    checkFreed(question.freed);
    const need = question.need.map(roundUp);
    const { freed, preferredNodeId, nodeIds } = question;
    for (const nodeId of freed?.keys() ?? []) requireNode(this.#book, nodeId);
    const offer = (node: NodeState): Offer => {
      const extra = freed?.get(node.nodeId);
      const room = headroomOf(this.#book, node, nowMs).map((value, c) => value + (extra?.[c] ?? 0));
      return makeOffer(node, room, need);
    };
    const preferred =
      preferredNodeId === undefined || (nodeIds !== undefined && !nodeIds.includes(preferredNodeId))
        ? undefined
        : offer(requireNode(this.#book, preferredNodeId));
    const found =
      nodeIds === undefined
        ? this.#table.best(need, nowMs, freed)
        : bestOf([...new Set(nodeIds)].map((id) => offer(requireNode(this.#book, id))));
    if (preferred !== undefined && isZero(preferred.missing)) {
      const nodeCount = Math.max(found.count, 1);
      return { fits: true, nodeId: preferred.nodeId, nodeCount, missing: preferred.missing };
    }
    if (found.nodeId !== undefined) {
      const missing = need.map(() => 0);
      return { fits: true, nodeId: found.nodeId, nodeCount: found.count, missing };
    }
    const offers = (nodeIds ?? this.#table.order()).map((id) => offer(this.#book.node(id)));
    const nearest = leastLacking(offers);
    return { fits: false, nodeId: null, nodeCount: 0, missing: nearest?.missing ?? need };
  }

  /** The best offer that fits the lease, exactly; preferred node first. */
  find(question: PlaceQuestion): Offer | undefined {
    const { need, nowMs, preferredNodeId, nodeIds } = question;
    const allowed = nodeIds === undefined ? undefined : new Set(nodeIds);
    if (preferredNodeId !== undefined && (allowed === undefined || allowed.has(preferredNodeId))) {
      const own = this.offer(preferredNodeId, question);
      if (isZero(own.missing)) return own;
    }
    if (allowed === undefined) {
      // What fits the bands from now on mostly fits the lease; the exact question decides.
      const { nodeId } = this.#table.best(need, nowMs);
      const offer = nodeId === undefined ? undefined : this.offer(nodeId, question);
      if (offer !== undefined && isZero(offer.missing)) return offer;
    }
    for (const nodeId of this.#table.spacious(phasePeaks(need), nowMs)) {
      if (allowed !== undefined && !allowed.has(nodeId)) continue;
      const offer = this.offer(nodeId, question);
      if (isZero(offer.missing)) return offer;
    }
    return undefined;
  }

  /** Offers of all allowed nodes, least lacking first, ties in order of node ids. */
  offers(question: PlaceQuestion): Offer[] {
    const nodeIds = new Set(question.nodeIds ?? this.#table.order());
    return this.#table
      .order()
      .filter((nodeId) => nodeIds.has(nodeId))
      .map((nodeId) => this.offer(nodeId, question))
      .sort((a, b) => a.lackRatio - b.lackRatio);
  }

  offer(nodeId: string, question: PlaceQuestion): Offer {
    const node = requireNode(this.#book, nodeId);
    return makeOffer(node, leaseRoom(this.#book, node, question), question.need);
  }
}

function makeOffer(node: NodeState, room: readonly number[], need: readonly number[]): Offer {
  const missing = missingOf(need, room);
  let lackRatio = 0;
  const peaks = phasePeaks(missing);
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    const lack = peaks[r] ?? 0;
    // A node that has nothing of a resource lacks all of it.
    if (lack > 0) lackRatio += lack / Math.max(node.allocatable[r] ?? 0, lack / RESOURCE_COUNT);
  }
  return { nodeId: node.nodeId, room, missing, lackRatio };
}

/** Least leftover would need the weights of the table; among few nodes the first one will do. */
function bestOf(offers: readonly Offer[]): { count: number; nodeId: string | undefined } {
  const fitting = offers.filter(({ missing }) => isZero(missing));
  return { count: fitting.length, nodeId: fitting[0]?.nodeId };
}

function leastLacking(offers: readonly Offer[]): Offer | undefined {
  let best: Offer | undefined;
  for (const offer of offers) {
    if (best === undefined || offer.lackRatio < best.lackRatio) best = offer;
  }
  return best;
}
