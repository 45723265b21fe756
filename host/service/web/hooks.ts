import { useEffect, useRef, useState } from "preact/hooks";
import { repeatEvery } from "../../lib/clock.js";
import { get } from "./api.js";
import { follow } from "./live.js";
import type { LiveEvent } from "./wire.js";

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: string | undefined;
}

/** Loads a path, and again every `ms` while the page can be seen. */
export function usePoll<T>(path: string | undefined, ms: number): Loaded<T> {
  return useRepeated(path, ms, () => get<T>(path ?? ""));
}

/** Repeats `load`; begins anew when `key` changes, and does nothing without one. */
export function useRepeated<T>(
  key: string | undefined,
  ms: number,
  load: () => Promise<T>,
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ data: undefined, error: undefined });
  const loader = useRef(load);
  loader.current = load;
  useEffect(() => {
    if (key === undefined) return;
    let isOver = false;
    setLoaded({ data: undefined, error: undefined });
    const once = async (): Promise<void> => {
      try {
        const data = await loader.current();
        if (!isOver) setLoaded({ data, error: undefined });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (!isOver) setLoaded((before) => ({ data: before.data, error: text }));
      }
    };
    void once();
    const stop = repeatEvery(ms, async () => {
      if (!document.hidden) await once();
    });
    return () => {
      isOver = true;
      void stop();
    };
  }, [key, ms]);
  return loaded;
}

/** Calls back on every event, with the latest callback. */
export function useEvents(onEvent: (event: LiveEvent) => void): void {
  const latest = useRef(onEvent);
  latest.current = onEvent;
  useEffect(() => follow((event) => latest.current(event)), []);
}

/** The part of the address behind #, in words: "#/decisions/d-1" is ["decisions", "d-1"]. */
export function useRoute(): readonly string[] {
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const changed = (): void => setRoute(readRoute());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function readRoute(): readonly string[] {
  const path = location.hash.replace(/^#\/?/, "").split("?")[0] ?? "";
  return path.split("/").filter(Boolean).map(decodeURIComponent);
}

/** The rest of the address: "#/plan?instance=a" has instance "a". */
export function routeQuery(): URLSearchParams {
  return new URLSearchParams(location.hash.split("?")[1] ?? "");
}
