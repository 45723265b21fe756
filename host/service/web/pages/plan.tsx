import { useState } from "preact/hooks";
import { RESOURCES, type Resource } from "../../../core/abi.js";
import { post } from "../api.js";
import { TITLES, UNITS } from "../format.js";
import { routeQuery, usePoll } from "../hooks.js";
import { Choice } from "../parts/choice.js";
import { Explanation } from "../parts/explanation.js";
import type { Decision, FleetPage, Page, Pool } from "../wire.js";

const MINUTE_MS = 60_000;

interface Answer {
  readonly decision?: Decision;
  readonly error?: string;
}

/** Asks what would be decided; nothing is written, queued or held. */
export function PlanPage() {
  const [kind, setKind] = useState(0);
  const [answer, setAnswer] = useState<Answer>({});
  const ask = async (body: object): Promise<void> => {
    try {
      setAnswer({ decision: await post<Decision>("/v1/considerations", body) });
    } catch (problem) {
      setAnswer({ error: problem instanceof Error ? problem.message : String(problem) });
    }
  };
  return (
    <>
      <div class="head">
        <h1>What if</h1>
        <Choice
          label="Question"
          options={["Interrupt an instance", "Free room"]}
          chosen={kind}
          onChoose={setKind}
        />
      </div>
      <p class="lead">Shows the plan that would be made now. Nothing is done.</p>
      <div class="grid narrow-wide">
        {kind === 0 ? <InterruptForm ask={ask} /> : <ReclaimForm ask={ask} />}
        <div role="status" aria-live="polite">
          {answer.error === undefined ? null : <p class="alerts">{answer.error}</p>}
          {answer.decision === undefined ? (
            <p class="empty">The answer comes here.</p>
          ) : (
            <Explanation decision={answer.decision} />
          )}
        </div>
      </div>
    </>
  );
}

interface FormProps {
  readonly ask: (body: object) => Promise<void>;
}

function InterruptForm({ ask }: FormProps) {
  const fleet = usePoll<FleetPage>("/v1/fleet?limit=1000", 60_000);
  const [instanceId, setInstance] = useState(routeQuery().get("instance") ?? "");
  const [outage, setOutage] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const outageMinutes = outage === "" ? {} : { outageMinutes: Number(outage) };
    void ask({ interrupt: { instanceId, ...outageMinutes } });
  };
  return (
    <form class="card" onSubmit={submit}>
      <label>
        Instance
        <input
          required
          list="instances"
          value={instanceId}
          onInput={(event) => setInstance(event.currentTarget.value)}
        />
      </label>
      <datalist id="instances">
        {fleet.data?.items.map((line) => (
          <option key={line.instanceId} value={line.instanceId} />
        ))}
      </datalist>
      <label>
        Minutes away, if known
        <input
          type="number"
          min="0"
          value={outage}
          onInput={(event) => setOutage(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Show the plan</button>
    </form>
  );
}

const NOTHING: Readonly<Record<Resource, string>> = { cpu: "", memory: "", network: "", disk: "" };

function ReclaimForm({ ask }: FormProps) {
  const nodes = usePoll<Page<Pool>>("/v1/pools/nodes?limit=1000", 60_000);
  const time = usePoll<{ readonly nowMs: number }>("/v1/quality", 2_000);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [amounts, setAmounts] = useState(NOTHING);
  const [priority, setPriority] = useState("10");
  const [minutes, setMinutes] = useState("30");
  const all = nodes.data?.items.map(({ id }) => id) ?? [];
  const submit = (event: Event): void => {
    event.preventDefault();
    void ask({
      reclaim: {
        nodeIds: chosen.length === 0 ? all : chosen,
        amounts: Object.fromEntries(RESOURCES.map((name) => [name, Number(amounts[name] || 0)])),
        deadlineMs: (time.data?.nowMs ?? 0) + Number(minutes) * MINUTE_MS,
        priorityMax: Number(priority),
      },
    });
  };
  return (
    <form class="card" onSubmit={submit}>
      {RESOURCES.map((resource) => (
        <label key={resource}>
          {TITLES[resource]}, {UNITS[resource]}
          <input
            type="number"
            min="0"
            step="any"
            placeholder="0"
            value={amounts[resource]}
            onInput={(event) => setAmounts({ ...amounts, [resource]: event.currentTarget.value })}
          />
        </label>
      ))}
      <label>
        On (all nodes when none is chosen)
        <select
          multiple
          size={Math.min(6, Math.max(2, all.length))}
          onChange={(event) => {
            setChosen([...event.currentTarget.selectedOptions].map(({ value }) => value));
          }}
        >
          {all.map((id) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      <label>
        Highest class that may be touched
        <input
          type="number"
          required
          value={priority}
          onInput={(event) => setPriority(event.currentTarget.value)}
        />
      </label>
      <label>
        Within minutes
        <input
          type="number"
          min="0"
          required
          value={minutes}
          onInput={(event) => setMinutes(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Show the plan</button>
    </form>
  );
}
