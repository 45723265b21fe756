/** Calls to the service. The token, where one is asked for, lives as long as the browser's tab. */
const TOKEN_KEY = "reprise-token";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

type Listener = () => void;
const whenRefused = new Set<Listener>();

/** Hears when the service asks for a token. @returns ends it */
export function onRefused(listener: Listener): () => void {
  whenRefused.add(listener);
  return () => {
    whenRefused.delete(listener);
  };
}

export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Whether one was entered; where the service still asks, it was not accepted. */
export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN_KEY) !== null;
}

export function headers(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

export async function get<T>(path: string): Promise<T> {
  return answerOf<T>(await fetch(path, { headers: headers() }));
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const reply = await fetch(path, {
    method: "POST",
    headers: { ...headers(), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answerOf<T>(reply);
}

async function answerOf<T>(reply: Response): Promise<T> {
  if (reply.ok) return (await reply.json()) as T;
  if (reply.status === 401) for (const listener of whenRefused) listener();
  const text = await reply.text();
  let problem: { readonly code?: string; readonly detail?: string } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    problem = { detail: text.slice(0, 200) };
  }
  throw new ApiError(reply.status, problem.code ?? "ERR_HTTP", problem.detail ?? "no answer");
}
