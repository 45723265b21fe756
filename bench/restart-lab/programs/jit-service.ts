/** A service of much code: each route is compiled at its first call and slow until it is hot. */
import { arrivals, type Frame, runProgram } from "./frame.js";

const ROUTES = 3_000;
const CALLS_A_MINUTE = 260;
const LINES = 160;

type Route = (value: number) => number;

class JitService {
  readonly #routes = new Map<number, Route>();
  #sum = 0;

  step({ prng, stepMinutes }: Frame): void {
    for (let left = arrivals(prng, CALLS_A_MINUTE * stepMinutes); left > 0; left--) {
      const index = Math.floor(prng.uniform() ** 3 * ROUTES);
      let route = this.#routes.get(index);
      if (route === undefined) {
        route = compile(index);
        this.#routes.set(index, route);
      }
      for (let turn = 0; turn < 40; turn++) this.#sum = route(this.#sum + turn) % 1e6;
    }
  }
}

function compile(index: number): Route {
  const lines = Array.from(
    { length: LINES },
    (_, line) => `x = (x * ${line + index + 1} + ${line * 7}) % 1000003; if (x < 0) x = ${line};`,
  );
  return new Function("x", `${lines.join("\n")}\nreturn x;`) as Route;
}

await runProgram(() => new JitService());
