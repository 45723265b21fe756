import { useEffect, useRef, useState } from "preact/hooks";
import { onRefused } from "./api.js";
import { fullTime } from "./format.js";
import { useEvents, useRoute } from "./hooks.js";
import { followState } from "./live.js";
import { ClusterPage } from "./pages/cluster.js";
import { DecisionPage } from "./pages/decision.js";
import { DecisionsPage } from "./pages/decisions.js";
import { InstancePage } from "./pages/instance.js";
import { InstancesPage } from "./pages/instances.js";
import { PlanPage } from "./pages/plan.js";
import { QualityPage } from "./pages/quality.js";
import { ReservationsPage } from "./pages/reservations.js";
import { ThemeButton } from "./parts/theme-button.js";
import { TokenForm } from "./parts/token-form.js";

const PAGES = [
  ["cluster", "Cluster"],
  ["instances", "Instances"],
  ["decisions", "Decisions"],
  ["reservations", "Reservations"],
  ["quality", "Model quality"],
  ["plan", "What if"],
] as const;

export function App() {
  const route = useRoute();
  const [page = "cluster", id] = route;
  const [isRefused, setRefused] = useState(false);
  useEffect(() => onRefused(() => setRefused(true)), []);
  const main = useRef<HTMLElement>(null);
  const title = PAGES.find(([name]) => name === page)?.[1] ?? "Nothing here";
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${id ?? title} – Reprise`;
    // Whoever listens to the page hears that it is another one; not on the first.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [title, id]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href="#/cluster">
          <img src="./icon.svg" alt="" width="26" height="26" />
          Reprise
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([name, text]) => (
            <a
              key={name}
              href={`#/${name}`}
              {...(page === name ? { "aria-current": "page" as const } : {})}
            >
              {text}
            </a>
          ))}
        </nav>
        <LiveMark />
        <ThemeButton />
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        {isRefused ? <TokenForm /> : <PageOf key={route.join("/")} page={page} id={id} />}
      </main>
    </>
  );
}

function PageOf({ page, id }: { readonly page: string; readonly id: string | undefined }) {
  switch (page) {
    case "cluster":
      return <ClusterPage />;
    case "instances":
      return id === undefined ? <InstancesPage /> : <InstancePage instanceId={id} />;
    case "decisions":
      return id === undefined ? <DecisionsPage /> : <DecisionPage decisionId={id} />;
    case "reservations":
      return <ReservationsPage />;
    case "quality":
      return <QualityPage />;
    case "plan":
      return <PlanPage />;
    default:
      return <p class="empty">There is no such page.</p>;
  }
}

/** Whether events come in, and what time it is in the cluster. */
function LiveMark() {
  const [isLive, setLive] = useState(false);
  const [nowMs, setNow] = useState<number>();
  useEffect(() => followState(setLive), []);
  useEvents((event) => {
    if (event.kind === "tick") setNow(event.timeMs);
  });
  return (
    <p class={`live ${isLive ? "on" : "off"}`}>
      <span class="dot" aria-hidden="true" />
      <span>{isLive ? "Live" : "Offline"}</span>
      {nowMs === undefined ? null : <time>{fullTime(nowMs)}</time>}
    </p>
  );
}
