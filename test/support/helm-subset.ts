/**
 * As much of Helm's templates as the chart uses: a value, with `default`; `toYaml V | nindent N`;
 * `if V` to `end`, each on a line of its own. Anything else is an error.
 */
import { stringify } from "yaml";

type Tree = Readonly<Record<string, unknown>>;

const VALUE = /^(\.[A-Za-z.]+)(?: \| default (\.[A-Za-z.]+))?$/;
const BLOCK = /^- toYaml (\.[A-Za-z.]+) \| nindent (\d+) $/;
const IF = /^- if (\.[A-Za-z.]+) $/;

export function render(template: string, scope: Tree): string {
  const lines: string[] = [];
  let isShown = true;
  for (const line of template.split("\n")) {
    const [, inner] = /^\s*\{\{(-.*)\}\}$/.exec(line) ?? [];
    if (inner === undefined) {
      if (isShown) lines.push(line.replace(/\{\{ (.*?) \}\}/g, (_, text) => value(text, scope)));
    } else if (inner === "- end ") isShown = true;
    else if (IF.test(inner)) isShown = isTrue(lookUp(IF.exec(inner)?.[1] ?? "", scope));
    else lines.push(block(inner, scope));
  }
  const text = lines.join("\n");
  if (text.includes("{{")) throw new Error(`not rendered: ${text.slice(text.indexOf("{{"), 80)}`);
  return text;
}

function block(inner: string, scope: Tree): string {
  const [, path, width] = BLOCK.exec(inner) ?? [];
  if (path === undefined) throw new Error(`not in the subset: ${inner}`);
  const text = stringify(lookUp(path, scope)).trimEnd();
  return text.replace(/^/gm, " ".repeat(Number(width)));
}

function value(text: string, scope: Tree): string {
  const [, path, otherwise] = VALUE.exec(text) ?? [];
  if (path === undefined) throw new Error(`not in the subset: ${text}`);
  const found = lookUp(path, scope);
  return `${isTrue(found) || otherwise === undefined ? found : lookUp(otherwise, scope)}`;
}

function isTrue(found: unknown): boolean {
  return found !== "" && found !== false && found !== 0 && found !== null;
}

/** @throws when there is no such value: a slip in the chart */
function lookUp(path: string, scope: Tree): unknown {
  let found: unknown = scope;
  for (const key of path.slice(1).split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) {
      throw new Error(`no ${path}`);
    }
    found = (found as Tree)[key];
  }
  return found;
}
