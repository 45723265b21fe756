/**
 * Holds the tree to its own rules, those that the compiler and the linter do not hold. Each test
 * lists every offender, so that one run shows all there is to do.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  blank,
  importsOf,
  listFiles,
  ROOT,
  readSource,
  readSources,
  type SourceFile,
} from "./support/source-files.js";

const host = readSources("host");
const tests = readSources("test");
const benches = readSources("bench");
const assembly = readSources("assembly");
const all = [...host, ...tests, ...benches, ...assembly];

/** Lines of code that match, as "path:line". */
function offenders(files: readonly SourceFile[], pattern: RegExp, field: "code" | "text" = "code") {
  return files.flatMap((file) =>
    file[field]
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}`] : [])),
  );
}

const except = (files: readonly SourceFile[], allowed: readonly string[]) =>
  files.filter(({ path }) => !allowed.some((each) => path === each || path.startsWith(each)));

test("the blanking keeps code and lines and drops the rest", () => {
  const text = 'const a = "any"; // any\n/* any\n any */ const b = /any["]/g;\nconst c = `any`;';
  const code = blank(text);
  assert.not.match(code, /any/);
  assert.is(code.split("\n").length, text.split("\n").length);
  assert.match(code, /const a = .*;\s*\n/);
  assert.match(code, /const b = .*;\nconst c = .*;/);
  assert.is(blank("half = total / 2 / count;"), "half = total / 2 / count;");
});

// Lowest first. A file imports from its own room or a lower one.
const ROOMS = [
  "lib",
  "core",
  "ledger",
  "sources",
  "engines",
  "model",
  "profiler",
  "allocator",
  "coordinator",
  "replay",
  "service",
  "cli",
];

function rankOf(path: string): number {
  if (path === "host/main.ts") return ROOMS.length + 1;
  if (path === "host/index.ts") return ROOMS.length;
  return ROOMS.indexOf(path.split("/")[1] ?? "");
}

test("every host file lives in a room", () => {
  assert.equal(
    host.filter(({ path }) => rankOf(path) < 0).map(({ path }) => path),
    [],
  );
});

test("import arrows point down", () => {
  const wrong: string[] = [];
  for (const file of host) {
    for (const name of importsOf(file).filter((each) => each.startsWith("."))) {
      const target = normalize(join(dirname(file.path), name)).replaceAll("\\", "/");
      if (!target.startsWith("host/")) wrong.push(`${file.path} -> ${target} (outside host)`);
      else if (rankOf(target.replace(/\.js$/, ".ts")) > rankOf(file.path)) {
        wrong.push(`${file.path} -> ${target}`);
      }
    }
  }
  assert.equal(wrong, []);
});

test("the core imports within assembly only, test and bench are imported by nobody", () => {
  const wrong: string[] = [];
  for (const file of [...assembly, ...tests, ...benches]) {
    const home = file.path.split("/")[0] ?? "";
    for (const name of importsOf(file)) {
      if (!name.startsWith(".")) {
        if (home === "assembly") wrong.push(`${file.path} -> ${name}`);
        continue;
      }
      const target = normalize(join(dirname(file.path), name)).replaceAll("\\", "/");
      const room = target.split("/")[0] ?? "";
      const allowed = home === "assembly" ? [home] : [home, "host"];
      if (!allowed.includes(room)) wrong.push(`${file.path} -> ${target}`);
    }
  }
  assert.equal(wrong, []);
});

test("only host/core/kernel.ts knows the loader", () => {
  const users = all.filter((file) => importsOf(file).includes("@assemblyscript/loader"));
  assert.equal(
    users.map(({ path }) => path).filter((path) => !path.startsWith("bench/")),
    ["host/core/kernel.ts"],
  );
});

test("every relative import of compiled code names its .js file", () => {
  const wrong = [...host, ...tests, ...benches].flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith(".") && !/\.(js|mjs|json|css)$/.test(name))
      .map((name) => `${file.path} -> ${name}`),
  );
  assert.equal(wrong, []);
});

test("file names are kebab-case", () => {
  const wrong = all.filter(
    ({ path }) => !/^([a-z0-9-]+\/)*[a-z0-9-]+(\.[a-z]+)*\.tsx?$/.test(path),
  );
  assert.equal(
    wrong.map(({ path }) => path),
    [],
  );
});

test("no line is much longer than the 100 columns the formatter keeps", () => {
  assert.equal(offenders(all, /^.{111,}$/, "text"), []);
});

test("every test file runs what it registers, and nothing alone", () => {
  const files = tests.filter(({ path }) => path.endsWith(".test.ts"));
  assert.ok(files.length > 5);
  // A suite that several files share is run where it is defined.
  const runs = ({ code }: SourceFile) => /\.run\(\);/.test(code);
  const shared = new Set(tests.filter(runs).map(({ path }) => path));
  const silent = files.filter((file) => {
    const targets = importsOf(file).map((name) => join(dirname(file.path), name));
    return !runs(file) && !targets.some((path) => shared.has(path.replace(/\.js$/, ".ts")));
  });
  assert.equal(
    silent.map(({ path }) => path),
    [],
  );
  assert.equal(offenders(files, /\.only\(/), []);
});

test("no property of promises is left unawaited", () => {
  const floating = tests.filter(({ code }) =>
    /(?<!\b(await|return)\s+|=>\s*)\bfc\.assert\(\s*fc\.asyncProperty/.test(code),
  );
  assert.equal(
    floating.map(({ path }) => path),
    [],
  );
});

test("nothing is typed any, and no checker is silenced", () => {
  assert.equal(
    offenders([...host, ...tests, ...benches], /(:|<|\||&|=>|\bas)\s*any\b|\bany\[\]/),
    [],
  );
  const silencers = new RegExp(`biome${"-"}ignore|@ts${"-"}(ignore|nocheck|expect-error)`);
  assert.equal(offenders(all, silencers, "text"), []);
});

test("default exports are for worker entries, which have exactly one", () => {
  const isWorker = ({ path }: SourceFile) => path.endsWith("-worker.ts");
  const rest = all.filter((file) => !isWorker(file));
  assert.equal(offenders(rest, /^\s*export\s+default\b|\bas\s+default\b/), []);
  for (const file of host.filter(isWorker)) {
    assert.is([...file.code.matchAll(/^export default\b/gm)].length, 1, file.path);
  }
});

test("time comes from the clock, chance from the seeded generator", () => {
  const timeless = except([...host, ...tests], ["host/lib/clock.ts", "host/main.ts"]);
  const time =
    /\bDate\.now\b|\bnew Date\(\)|\bset(Timeout|Interval)\b|\bperformance\.now\b|\bhrtime\b/;
  assert.equal(offenders(timeless, time), []);
  const chance = /\bMath\.random\b|\brandom(Bytes|UUID|Int)\b/;
  assert.equal(offenders(except([...host, ...tests, ...benches], []), chance), []);
});

test("the environment is read and the process ended by the command line's entry alone", () => {
  const files = except([...host, ...tests, ...benches], ["host/main.ts"]);
  assert.equal(offenders(files, /\bprocess\.(env|exit)\b(?!Code)/), []);
});

test("decisions do not rest on the host's transcendental functions", () => {
  const deciding = host.filter(
    ({ path }) =>
      /^host\/(engines|profiler|allocator|coordinator)\//.test(path) && !/reference/.test(path),
  );
  const functions = /\bMath\.(exp|expm1|log|log1p|log2|log10|pow|a?sinh?|a?cosh?|a?tanh?|cbrt)\(/;
  assert.equal(offenders(deciding, functions), []);
});

test("the host speaks through host/cli/output.ts, not the console", () => {
  assert.equal(offenders(host, /\bconsole\./), []);
});

test("no note to self, no code in comments", () => {
  const files = except(all, ["test/tidy.test.ts"]);
  assert.equal(offenders(files, /\b(XXX|FIXME|TODO|HACK)\b/, "text"), []);
  // A comment's sentence ends in a full stop; code ends in a semicolon or an opening brace.
  assert.equal(offenders(files, /^\s*\/\/.*(;|\{|\)\s*=>.*)$/, "text"), []);
});

test("assembly has no decorator at top level, no managed type, no mutable global", () => {
  assert.equal(offenders(assembly, /^@/), []);
  assert.equal(offenders(assembly, /^(export\s+)?(let|var)\b/), []);
  assert.equal(offenders(assembly, /\bnew\s+\w|\bclass\b|\b(Static)?Array<|\bstring\b/), []);
  const relaxed = assembly.filter(({ code }) => /\brelaxed_/.test(code));
  for (const { path, code } of relaxed) assert.match(code, /ASC_FEATURE_RELAXED_SIMD/, path);
});

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
const readManifest = (path: string) =>
  JSON.parse(readFileSync(`${ROOT}${path}`, "utf8")) as Manifest;
const manifests = ["package.json", "bench/peers/package.json"].filter((path) =>
  existsSync(`${ROOT}${path}`),
);

test("dependencies are pinned to one version", () => {
  for (const path of manifests) {
    const { dependencies, devDependencies } = readManifest(path);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${path}: ${name}`);
    }
  }
});

test("compiler and loader have the same version", () => {
  const { dependencies, devDependencies } = readManifest("package.json");
  assert.is(dependencies?.["@assemblyscript/loader"], devDependencies?.assemblyscript);
});

test("every runtime dependency is given its reason in docs/adr", () => {
  const records = listFiles("docs/adr").map((path) => readSource(path).text);
  const { dependencies = {} } = readManifest("package.json");
  const unexplained = Object.keys(dependencies).filter(
    (name) => !records.some((text) => text.includes(`\`${name}\``)),
  );
  assert.equal(unexplained, []);
});

test("lock files name no server, so that any registry will do", () => {
  for (const manifest of manifests) {
    const lock = readFileSync(`${ROOT}${manifest.replace("package.json", "package-lock.json")}`);
    assert.not.match(lock.toString(), /"resolved":|https?:\/\/[^"]*\.tgz/, manifest);
  }
});

const TOP_LEVEL = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "README.md",
  "asconfig.json",
  "assembly",
  "bench",
  "biome.json",
  "docs",
  "host",
  "package-lock.json",
  "package.json",
  "test",
  "tsconfig.json",
];
const TOP_LEVEL_OPTIONAL = ["build", "coverage", "deploy", "examples", "node_modules"];

test("the top level holds what belongs there and nothing else", () => {
  const found = readdirSync(ROOT)
    .filter((name) => !name.startsWith(".") && !TOP_LEVEL_OPTIONAL.includes(name))
    .sort();
  assert.equal(found, TOP_LEVEL);
});

/** Everything that is text and ours: sources, pages, scripts, settings. */
const texts = [
  ...["host", "test", "bench", "assembly", "docs", ".ci"].flatMap(listFiles),
  ...readdirSync(ROOT).filter((name) => /\.(md|json)$/.test(name)),
]
  .filter((path) => /\.(ts|mjs|js|json|md|html|css|yml|svg)$/.test(path) || path === ".ci/run")
  .filter((path) => !/^test\/(data|golden)\//.test(path) && path !== "test/tidy.test.ts")
  .map(readSource);

test("no path of somebody's machine and no server of packages is written down", () => {
  const machine = /(^|[\s"'`(=])\/(work|home|root|Users|mnt)\/\w/;
  assert.equal(offenders(texts, machine, "text"), []);
  const registry = /registry\.(npmjs|yarnpkg)|npmmirror|jfrog|artifactory/i;
  assert.equal(offenders(texts, registry, "text"), []);
});

test("no page is named that is not here", () => {
  const pages =
    /\b(ALGORITHMS|DESIGN|STYLE|PERFORMANCE|PEERS)(\.md|\s+[A-F]?\.?\d|\s+[A-F]\b|'s\b)/;
  assert.equal(offenders(texts, pages, "text"), []);
});

test("links between pages lead somewhere", () => {
  const broken: string[] = [];
  for (const { path, text } of texts.filter((file) => file.path.endsWith(".md"))) {
    for (const match of text.matchAll(/\]\(([^)\s#]+)(#[^)]*)?\)/g)) {
      const target = match[1] as string;
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(ROOT, dirname(path), target))) broken.push(`${path} -> ${target}`);
    }
  }
  assert.equal(broken, []);
});

test.run();
