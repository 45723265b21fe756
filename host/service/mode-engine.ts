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
  /** Who was told to end and has not been seen to end yet. */
  readonly #told = new Set<string>();

  constructor(engine: Engine, modeOf: (instanceId: string) => InstanceMode) {
    this.name = engine.name;
    this.#engine = engine;
    this.#modeOf = modeOf;
  }

  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    const allowed = acts.filter((act) => this.#isAllowed(act));
    const told = allowed.filter(({ kind }) => kind === "interrupt");
    // Before it acts: the end may be seen before the engine has answered.
    for (const { instanceId } of told) this.#told.add(instanceId);
    const done = allowed.length === 0 ? [] : await this.#engine.act(allowed);
    const answers = new Map(done.map((outcome) => [outcome.actId, outcome]));
    for (const { actId, instanceId } of told) {
      if (answers.get(actId)?.status === "refused") this.#told.delete(instanceId);
    }
    return acts.flatMap((act): ActOutcome[] => {
      const answer = answers.get(act.actId);
      if (answer !== undefined) return [answer];
      if (this.#isAllowed(act)) return [];
      const reason = `the group of ${act.instanceId} is in mode ${this.#modeOf(act.instanceId)}`;
      return [{ actId: act.actId, status: "refused", reason, final: true }];
    });
  }

  /** Whether its end was asked for; asked once for each end. */
  takeTold(instanceId: string): boolean {
    return this.#told.delete(instanceId);
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
