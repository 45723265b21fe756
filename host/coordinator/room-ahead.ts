/** What a decision was told of rooms to come, on record like all that it looks at. */
import type { RoomAhead } from "../allocator/pacing.js";

export type AskAhead = (nodeId: string) => RoomAhead | undefined;

export interface NodeAhead extends RoomAhead {
  readonly nodeId: string;
}

/** Asks once for each node and keeps the answer. */
export class AheadTape {
  readonly answers: NodeAhead[] = [];
  readonly #byNode = new Map<string, NodeAhead>();
  readonly #ask: AskAhead;

  constructor(ask: AskAhead) {
    this.#ask = ask;
  }

  readonly ask: AskAhead = (nodeId) => {
    const known = this.#byNode.get(nodeId);
    if (known !== undefined) return known;
    const answer = this.#ask(nodeId);
    if (answer === undefined) return undefined;
    const kept = { nodeId, ...answer };
    this.answers.push(kept);
    this.#byNode.set(nodeId, kept);
    return kept;
  };
}

/** Answers from a record; nothing of what was not asked then. */
export function aheadOf(answers: readonly NodeAhead[] = []): AskAhead {
  const byNode = new Map(answers.map((each) => [each.nodeId, each]));
  return (nodeId) => byNode.get(nodeId);
}
