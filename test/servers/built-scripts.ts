import { existsSync } from "node:fs";
import { readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The scripts that tests start as processes of their own, compiled once per run. Loading one through tsx takes 1.4 s of
 * CPU, loading the compiled one 0.5 s; the compiler is tsx's own. Tests of `npm start` itself run the source.
 */

const ROOT = resolve(import.meta.dirname, "../..");
const SCRIPTS = [
  "runner/main.ts",
  "runner/cli.ts",
  "runner/migrate.ts",
  "runner/lambda.ts",
  "runner/fetch.ts",
  "test/runner/bindings/executing-router.ts",
  "test/runner/consume/poisoned-router.ts",
  "test/runner/local/redis-process.ts",
  "test/runner/local/secrets-process.ts",
  "test/runner/serverless/serverless-process.ts",
  "test/shared/io/postgres/embedded-database-process.ts",
  "test/shared/io/reference-edits/edit-process.ts",
  "test/torture/router.ts",
];
/** They look for files of their own, beside their code. */
const KEPT_APART = [
  "@electric-sql/pglite",
  "node-pg-migrate",
  "pg-native",
  "pino",
  "pino-pretty",
  "swagger-ui-dist",
];
/** Names the folder of a build to the processes that start scripts. */
const FOLDER_VARIABLE = "TEST_BUILT_SCRIPTS";

/** What esbuild is called with; the package is tsx's, and its types are not needed for more than this. */
interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** Compiles the scripts into a folder, again when it has been called before, for this process and its children. */
export async function buildScripts(folder: string): Promise<void> {
  const packages = join(folder, "node_modules");
  if (!existsSync(packages)) await symlink(join(ROOT, "node_modules"), packages);
  await compileScripts(SCRIPTS, { root: ROOT, folder });
  process.env[FOLDER_VARIABLE] = folder;
}

/** What node runs for a script, by its path in the repository: the compiled one, or else its source. */
export interface StartFile {
  readonly path: string;
  /** Options node needs to load it. */
  readonly loader: readonly string[];
}

export function startFile(script: string): StartFile {
  const folder = process.env[FOLDER_VARIABLE];
  const built = folder === undefined ? "" : join(folder, script.replace(/\.ts$/, ".mjs"));
  return existsSync(built)
    ? { path: built, loader: [] }
    : { path: join(ROOT, script), loader: ["--import", "tsx"] };
}

/** Compiles scripts, named by their paths below `root`, into files of the same names below `folder`, with `.mjs`. */
export async function compileScripts(
  scripts: readonly string[],
  { root, folder }: { readonly root: string; readonly folder: string },
): Promise<void> {
  const from = createRequire(createRequire(import.meta.url).resolve("tsx/package.json"));
  const esbuild = (await import(pathToFileURL(from.resolve("esbuild")).href)) as Esbuild;
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: scripts,
    outdir: folder,
    outbase: root,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    external: KEPT_APART,
    // Packages in CommonJS ask for Node's modules with it.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    plugins: [{ name: "places-of-the-source", setup: keepPlaces }],
    logLevel: "error",
  });
}

/** Code that looks for files beside itself finds those beside its source. */
function keepPlaces(build: {
  onLoad(filter: { filter: RegExp }, load: (file: { path: string }) => Promise<object>): void;
}): void {
  build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const source = await readFile(path, "utf8");
    const url = JSON.stringify(pathToFileURL(path).href);
    return { contents: source.replaceAll("import.meta.url", url), loader: "ts" };
  });
}
