/** What of a Kubernetes pod matters here: who it is, whose, and what it asks for. */
import { RepriseError } from "../../lib/errors.js";

interface Container {
  readonly restartPolicy?: string | null;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string | number>> | null;
  } | null;
}

export interface Pod {
  readonly metadata?: {
    readonly name?: string | null;
    readonly namespace?: string | null;
    readonly uid?: string | null;
    readonly annotations?: Readonly<Record<string, string>> | null;
    readonly ownerReferences?:
      | readonly { readonly uid?: string | null; readonly controller?: boolean | null }[]
      | null;
  };
  readonly spec?: {
    readonly priority?: number | null;
    readonly containers?: readonly Container[] | null;
    readonly initContainers?: readonly Container[] | null;
    readonly overhead?: Readonly<Record<string, string | number>> | null;
    readonly resources?: Container["resources"];
  };
}

/** Names under which a pod may be registered: its UID, or `namespace/name`. */
export function podIds({ metadata = {} }: Pod): string[] {
  const { uid, name, namespace } = metadata;
  return [uid, isText(name) ? `${namespace ?? "default"}/${name}` : undefined].filter(isText);
}

/** Job identities under which room may be kept for it; the first that has a lease counts. */
export function podOwners(pod: Pod): string[] {
  const { annotations, ownerReferences } = pod.metadata ?? {};
  const controller = ownerReferences?.find((each) => each.controller === true)?.uid;
  return [annotations?.["reprise/owner"], ...podIds(pod), controller].filter(isText);
}

/** As the scheduler counts: cores, GiB, and nothing of what no pod asks for. @throws ERR_ARGUMENT */
export function podRequests({ spec = {} }: Pod): number[] {
  return [requestOf(spec, "cpu"), requestOf(spec, "memory") / 2 ** 30, 0, 0];
}

/** Sidecars run beside everything that starts after them; other init containers run alone. */
function requestOf(spec: NonNullable<Pod["spec"]>, name: string): number {
  const of = (each: Container) => quantity(each.resources?.requests?.[name]);
  let sidecars = 0;
  let starting = 0;
  for (const each of spec.initContainers ?? []) {
    if (each.restartPolicy === "Always") sidecars += of(each);
    else starting = Math.max(starting, sidecars + of(each));
  }
  const running = (spec.containers ?? []).reduce((sum, each) => sum + of(each), sidecars);
  const whole = spec.resources?.requests?.[name];
  const asked = whole === undefined ? Math.max(running, starting) : quantity(whole);
  return asked + quantity(spec.overhead?.[name]);
}

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Each digit can be read in one way only, or a body of them would take the service away. */
const QUANTITY = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,3})|([A-Za-z]{1,2}))?$/;

/** `500m`, `1Gi`, `1e3`; zero when absent. @throws ERR_ARGUMENT */
export function quantity(text: string | number | undefined): number {
  if (text === undefined) return 0;
  const parts = QUANTITY.exec(`${text}`);
  const scale = SUFFIXES[parts?.[3] ?? ""];
  if (parts !== null && scale !== undefined) {
    return Number(`${parts[1]}${parts[2] ?? ""}`) * scale;
  }
  throw new RepriseError("ERR_ARGUMENT", "a quantity of a pod", {
    got: String(text).slice(0, 40),
    expected: "a number, with a suffix as in 500m or 1Gi",
  });
}

function isText(text: string | null | undefined): text is string {
  return text !== undefined && text !== null && text !== "";
}
