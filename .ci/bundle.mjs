/**
 * Puts the compiled host's modules into few files: a process that starts finds, reads and links one
 * file where there were hundreds. Packages stay outside, workers keep their own modules.
 *
 *     node .ci/bundle.mjs OUT NAME=FILE [NAME=FILE ...]
 */
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { argv, exit, stderr } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @param outDir folder that is emptied first
 * @param entries compiled modules by the name of their bundle
 */
export async function bundle(outDir, entries) {
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    plugins: [moduleUrls(outDir)],
    build: {
      ssr: true,
      target: "node20",
      outDir,
      emptyOutDir: true,
      minify: false,
      copyPublicDir: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: entries,
        output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
      },
    },
  });
  for (const name of Object.keys(entries)) {
    if (existsSync(`${outDir}/${name}.js`)) continue;
    stderr.write(`build failed: ${name}.js was not bundled\n`);
    exit(1);
  }
}

/** A module finds its files from where it was compiled, wherever its bundle lies. */
function moduleUrls(outDir) {
  return {
    name: "module-urls",
    enforce: "pre",
    transform(code, id) {
      if (!code.includes("import.meta.url")) return null;
      const from = JSON.stringify(relative(outDir, id).replaceAll("\\", "/"));
      return code.replaceAll("import.meta.url", `new URL(${from}, import.meta.url).href`);
    },
  };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [outDir, ...named] = argv.slice(2);
  const entries = named.map((pair) => pair.split("=")).map(([name, file]) => [name, resolve(file)]);
  await bundle(resolve(outDir), Object.fromEntries(entries));
}
