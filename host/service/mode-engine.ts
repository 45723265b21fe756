/**
 * Lets an engine act only where the operator wants it to. Acts for a group that is not enforced are
 * refused with the reason; the coordinator rolls back what was not carried out.
 */
import type { Act, ActOutcome, Engine } from "../engines/engine.js";
import type { InstanceMode } from "./config/schema.js";

export class ModeEngine implements Engine {
  readonly name: string;
  readonly #engine: Engine;
  readonly #modeOf: (instanceId: string) => InstanceMode;

  constructor(engine: Engine, modeOf: (instanceId: string) => InstanceMode) {
    this.name = engine.name;
    this.#engine = engine;
    this.#modeOf = modeOf;
  }

  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    const allowed = acts.filter((act) => this.#isAllowed(act));
    const done = allowed.length === 0 ? [] : await this.#engine.act(allowed);
    const answers = new Map(done.map((outcome) => [outcome.actId, outcome]));
    return acts.flatMap((act): ActOutcome[] => {
      const answer = answers.get(act.actId);
      if (answer !== undefined) return [answer];
      if (this.#isAllowed(act)) return [];
      const reason = `the group of ${act.instanceId} is in mode ${this.#modeOf(act.instanceId)}`;
      return [{ actId: act.actId, status: "refused", reason }];
    });
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  /** What is given harms nobody, and a restarted instance is waiting for it. */
  #isAllowed({ kind, instanceId }: Act): boolean {
    if (kind === "grant" || kind === "give-back") return this.#modeOf(instanceId) !== "off";
    return this.#modeOf(instanceId) === "enforce";
  }
}
