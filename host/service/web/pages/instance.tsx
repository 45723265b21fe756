import { useState } from "preact/hooks";
import { RESOURCES } from "../../../core/abi.js";
import { amount, dayAndClock, RUNGS } from "../format.js";
import { usePoll } from "../hooks.js";
import { Badge } from "../parts/badge.js";
import { FanChart } from "../parts/fan-chart.js";
import { OutcomeTable } from "../parts/outcome-table.js";
import { Tile } from "../parts/tile.js";
import type { Amounts, Outcomes, Profile } from "../wire.js";

interface Instance {
  readonly groupId: string;
  readonly nodeId: string;
  readonly priority: number;
  readonly running: boolean;
  readonly mode: string;
  readonly allocation?: Amounts;
  readonly limits?: Partial<Amounts>;
}

export function InstancePage({ instanceId }: { readonly instanceId: string }) {
  const path = `/v1/instances/${encodeURIComponent(instanceId)}`;
  const instance = usePoll<Instance>(path, 3_000);
  const profile = usePoll<Profile>(`${path}/profile?beside=p95`, 3_000);
  const outcomes = usePoll<Outcomes>(`${path}/outcomes`, 5_000);
  const [shown, setShown] = useState<number | "now">("now");
  if (instance.data === undefined || profile.data === undefined) {
    return <p class="empty">{instance.error ?? profile.error ?? "Loading"}</p>;
  }
  const { groupId, nodeId, priority, running, mode, allocation } = instance.data;
  const past = [...(outcomes.data?.items ?? [])].reverse();
  const one = past.find(({ restartedMs }) => restartedMs === shown);
  return (
    <>
      <p class="crumbs">
        <a href="#/instances">Instances</a>
      </p>
      <div class="head">
        <h1>{instanceId}</h1>
        <Badge state={running ? "running" : "down"} />
        <a class="button" href={`#/plan?instance=${encodeURIComponent(instanceId)}`}>
          What if it were interrupted?
        </a>
      </div>
      <div class="tiles">
        <Tile label="Placed" value={nodeId} note={`group ${groupId}, class ${priority}`} />
        <Tile
          label="Life"
          value={`#${profile.data.incarnation}`}
          note={`${profile.data.samplesInIncarnation} samples since it began`}
        />
        <Tile
          label="Answered by"
          value={RUNGS[profile.data.rung] ?? `rung ${profile.data.rung}`}
          note={profile.data.modelVersion}
        />
        <Tile label="Mode" value={mode} note={`usually away ${profile.data.outageMinutes} min`} />
      </div>
      <div class="head">
        <h2>{one === undefined ? "If it were interrupted now" : "Predicted, and what came"}</h2>
        <label class="pick">
          Restart
          <select
            value={`${shown}`}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setShown(value === "now" ? "now" : Number(value));
            }}
          >
            <option value="now">Now, with all that came before</option>
            {past.map(({ restartedMs }) => (
              <option key={restartedMs} value={`${restartedMs}`}>
                {dayAndClock(restartedMs)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="grid two">
        {RESOURCES.map((resource) => (
          <FanChart
            key={resource}
            resource={resource}
            envelope={(one?.predicted ?? profile.data?.envelope)?.[resource] ?? []}
            baseline={(one?.baseline ?? profile.data?.beside?.envelope)?.[resource] ?? []}
            baselineName="P95 of its past"
            truths={(one === undefined ? past : [one]).map(({ peaks }) => peaks[resource])}
            {...(allocation === undefined || one !== undefined
              ? {}
              : { holds: allocation[resource] })}
          />
        ))}
      </div>
      <OutcomeTable outcomes={past} />
      {allocation === undefined ? null : (
        <p class="foot">
          It holds {amount(allocation.cpu)} cores and {amount(allocation.memory)} GiB now.
        </p>
      )}
    </>
  );
}
