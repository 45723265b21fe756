import { useMemo, useState } from "preact/hooks";
import { get } from "../api.js";
import { amount, RUNGS } from "../format.js";
import { useRepeated } from "../hooks.js";
import { Badge } from "../parts/badge.js";
import { Meter } from "../parts/bars.js";
import { type Column, VirtualTable } from "../parts/virtual-table.js";
import type { FleetLine, FleetPage } from "../wire.js";

const PAGE = 1_000;
/** Need over room at which the bar is full. */
const BAR_END = 2;

/** Everybody, page by page; the list is sorted and searched here. */
async function loadFleet(): Promise<readonly FleetLine[]> {
  const lines: FleetLine[] = [];
  let after = "";
  for (;;) {
    const page = await get<FleetPage>(`/v1/fleet?limit=${PAGE}${after}`);
    lines.push(...page.items);
    if (page.next === null) return lines;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

const COLUMNS: readonly Column<FleetLine>[] = [
  {
    name: "instance",
    title: "Instance",
    width: 150,
    key: ({ instanceId }) => instanceId,
    cell: ({ instanceId }) => (
      <a href={`#/instances/${encodeURIComponent(instanceId)}`}>{instanceId}</a>
    ),
  },
  { name: "group", title: "Group", width: 110, key: ({ groupId }) => groupId },
  { name: "node", title: "Node", width: 110, key: ({ nodeId }) => nodeId },
  { name: "class", title: "Class", width: 70, numeric: true, key: ({ priority }) => priority },
  {
    name: "state",
    title: "State",
    width: 100,
    key: ({ running }) => (running ? "running" : "down"),
    cell: ({ running }) => <Badge state={running ? "running" : "down"} />,
  },
  amountColumn("cpuUsed", "CPU used", ({ used }) => used?.cpu),
  amountColumn("cpuNeed", "after restart", ({ need }) => need.cpu),
  amountColumn("memoryUsed", "GiB used", ({ used }) => used?.memory),
  amountColumn("memoryNeed", "after restart", ({ need }) => need.memory),
  {
    name: "crowding",
    title: "Need / room",
    width: 150,
    numeric: true,
    key: ({ crowding }) => crowding ?? -1,
    cell: ({ crowding }) => <Crowding share={crowding} />,
  },
  {
    name: "rung",
    title: "Answered by",
    width: 116,
    key: ({ rung }) => rung,
    cell: ({ rung }) => RUNGS[rung] ?? `${rung}`,
  },
];

function amountColumn(
  name: string,
  title: string,
  read: (line: FleetLine) => number | undefined,
): Column<FleetLine> {
  return {
    name,
    title,
    width: 100,
    numeric: true,
    key: (line) => read(line) ?? -1,
    cell: (line) => {
      const value = read(line);
      return value === undefined ? "–" : amount(value);
    },
  };
}

/** Above 1 it would not fit on its own node. */
function Crowding({ share }: { readonly share: number | null }) {
  if (share === null) return <>–</>;
  const tone = share > 1 ? "bad" : share > 0.8 ? "warn" : "good";
  return (
    <span class="metered">
      <Meter share={share / BAR_END} tone={tone} />
      {share >= 99 ? "no room" : share.toFixed(2)}
    </span>
  );
}

export function InstancesPage() {
  const [search, setSearch] = useState("");
  // Thousands are asked for less often than a few.
  const [everyMs, setEveryMs] = useState(3_000);
  const { data, error } = useRepeated("fleet", everyMs, async () => {
    const lines = await loadFleet();
    if (lines.length > PAGE) setEveryMs(20_000);
    return lines;
  });
  const found = useMemo(() => matching(data ?? [], search), [data, search]);
  return (
    <>
      <div class="head">
        <h1>Instances</h1>
        <label class="search">
          <span class="hidden">Search by instance, group or node</span>
          <input
            type="search"
            placeholder="Search instance, group, node"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <p role="status" class="count">
          {data === undefined ? "Loading" : `${found.length} of ${data.length}`}
        </p>
      </div>
      {error === undefined ? null : <p class="alerts">{error}</p>}
      <VirtualTable
        label="Instances"
        rows={found}
        columns={COLUMNS}
        sortedBy={{ name: "crowding", down: true }}
      />
      <p class="foot">
        Need / room: what it would need after a restart over the room its own node would have for
        it, in the tightest resource. Above 1 it would have to move, or neighbours give.
      </p>
    </>
  );
}

function matching(lines: readonly FleetLine[], search: string): readonly FleetLine[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return lines;
  return lines.filter(({ instanceId, groupId, nodeId }) => {
    const text = `${instanceId} ${groupId} ${nodeId}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
