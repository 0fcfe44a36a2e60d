import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/** Imports go one way: `runner → functions → shared/io (types of its ports only) → shared`. */

const ROOT = resolve(import.meta.dirname, "..");
const LAYERS = ["runner", "functions", "shared/io", "shared", "test"] as const;
type Layer = (typeof LAYERS)[number];

/** Modules outside the project that do nothing outside the process; the names, where only these do not. */
const WITHOUT_IO: Readonly<Record<string, readonly string[] | "all">> = {
  zod: "all",
  "fastest-levenshtein": "all",
  "node:crypto": "all",
  "node:net": ["BlockList", "isIP"],
};

/** The only files that may read the environment. */
const ENTRY_POINTS = [
  "runner/main.ts",
  "runner/cli.ts",
  "runner/migrate.ts",
  "runner/lambda.ts",
  "runner/fetch.ts",
  "runner/install.mjs",
  "runner/local/",
];

const TOP_LEVEL = ["functions", "shared", "runner", "test"].concat([
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "README.md",
  "LICENSE",
]);

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
  /** Names as exported; `*` when it is not known which. */
  readonly names: readonly string[];
}

/** Every import and re-export in a source text, static or dynamic. */
function importsIn(source: string): Import[] {
  const code = withoutComments(source);
  const statements = code.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([^"';]*?)\s*from\s*["']([^"']+)["']/gm,
  );
  const found = [...statements].map(([, type, clause = "", from = ""]): Import => {
    const names = namesIn(clause);
    return {
      from,
      names: names.map(({ name }) => name),
      typeOnly: type !== undefined || names.every(({ type: t }) => t),
    };
  });
  const bare = code.matchAll(/^\s*import\s*["']([^"']+)["']|\b(?:import|require)\s*\(\s*["'`]([^"'`]*)/gm);
  for (const [, sideEffect, dynamic] of bare)
    found.push({ from: sideEffect ?? dynamic ?? "", typeOnly: false, names: ["*"] });
  return found;
}

function namesIn(clause: string): { name: string; type: boolean }[] {
  const [, list] = /^\{(.*)\}$/s.exec(clause.trim()) ?? [];
  if (list === undefined) return [{ name: "*", type: false }];
  const items = list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return items.map((item) => ({
    name: item.replace(/^type\s+/, "").split(/\s/)[0] ?? "",
    type: item.startsWith("type "),
  }));
}

/** Line comments only where a line begins with one, so that `https://` in a text stays. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*.*?\*\//gs, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) => path.startsWith(`${layer}/`));
}

/** What is wrong with this import in this file; undefined when nothing is. */
function faultOf(file: string, { from, typeOnly, names }: Import): string | undefined {
  const layer = layerOf(file);
  if (layer === "runner" || layer === "test") return undefined;
  if (!from.startsWith(".")) {
    if (layer === "shared/io") return undefined;
    const allowed = WITHOUT_IO[from];
    if (allowed === "all" || (allowed !== undefined && names.every((name) => allowed.includes(name))))
      return undefined;
    return `${file} imports ${from}, which is not known to be without I/O`;
  }
  const target = posix.join(posix.dirname(file), from);
  const to = layerOf(target);
  const fine =
    to === "shared" ||
    (layer === "shared/io" && to === "shared/io") ||
    (layer === "functions" && (to === "functions" || (to === "shared/io" && typeOnly)));
  return fine ? undefined : `${file} imports ${target}${typeOnly ? " (types)" : ""}`;
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts|mjs|js)$/.test(entry.name))
    .map((entry) => posix.join(entry.parentPath.slice(ROOT.length + 1).replaceAll("\\", "/"), entry.name));
}

const files = ["functions", "shared", "runner"].flatMap(filesBelow);
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

test("there are files to look at, and imports in them", () => {
  expect(files).toEqual(expect.arrayContaining(["shared/decide.ts", "functions/process-signals.ts"]));
  expect(importsIn(read("functions/process-signals.ts")).map(({ from }) => from)).toEqual(
    expect.arrayContaining(["../shared/entry.ts", "../shared/decide.ts", "../shared/function.ts"]),
  );
});

test("imports go one way only", () => {
  const faults = files.flatMap((file) => importsIn(read(file)).map((each) => faultOf(file, each)));
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});

test("the environment is read in the entry points only", () => {
  const readers = files.filter((file) =>
    /\bprocess\s*(\?\.|\.|\[["'])\s*env\b|\benv\b[^;]*from "node:process"/.test(withoutComments(read(file))),
  );
  expect(readers.filter((file) => !ENTRY_POINTS.some((entry) => file.startsWith(entry)))).toEqual([]);
});

test("nothing is at the top level but what the layout names", () => {
  const names = new Set(projectFiles().map((file) => file.split("/")[0] ?? ""));
  expect([...names].filter((name) => !name.startsWith(".") && !TOP_LEVEL.includes(name))).toEqual([]);
});

/** Files that are, or would be, under version control; without git, what lies here but for what tools put down. */
function projectFiles(): string[] {
  try {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" })
      .split("\n")
      .filter(Boolean);
  } catch {
    return readdirSync(ROOT).filter((name) => name !== "node_modules" && name !== "coverage");
  }
}

describe("this test would see", () => {
  test.each([
    ["shared/a.ts", 'import { Redis } from "ioredis";'],
    ["shared/a.ts", 'import type { Redis } from "ioredis";'],
    ["shared/a.ts", 'import { connect } from "node:net";'],
    ["shared/a.ts", 'import net from "node:net";'],
    ["shared/a.ts", 'import { readFile } from "node:fs/promises";'],
    ["shared/a.ts", 'import "node:fs";'],
    ["shared/a.ts", 'const fs = await import("node:fs");'],
    ["shared/a.ts", 'import type { Commit } from "./io/commit.ts";'],
    ["shared/a.ts", 'export * from "./io/commit.ts";'],
    ["shared/a.ts", 'import { processSignals } from "../functions/process-signals.ts";'],
    ["shared/io/a.ts", 'import { processSignals } from "../../functions/process-signals.ts";'],
    ["shared/io/a.ts", 'import { main } from "../../runner/main.ts";'],
    ["functions/a.ts", 'import { commitOn } from "../shared/io/commit.ts";'],
    ["functions/a.ts", 'import {\n  commitOn,\n  type Commit,\n} from "../shared/io/commit.ts";'],
    ["functions/a.ts", 'export { commitOn } from "../shared/io/commit.ts";'],
    ["functions/strategies/a.ts", 'import { commitOn } from "../../shared/io/commit.ts";'],
    ["functions/a.ts", 'import { main } from "../runner/main.ts";'],
    ["functions/a.ts", 'import { NOW } from "../test/builders.ts";'],
    ["functions/a.ts", "const io = await import(`../shared/io/${name}.ts`);"],
    ["functions/a.ts", 'import pg from "pg";'],
  ])("in %s: %s", (file, source) => {
    expect(importsIn(source).map((each) => faultOf(file, each))).toEqual([expect.stringContaining(file)]);
  });

  test.each([
    ["functions/a.ts", 'import type { Commit } from "../shared/io/commit.ts";'],
    ["functions/a.ts", 'import { type Commit, type Fence } from "../shared/io/commit.ts";'],
    ["functions/strategies/a.ts", 'import { b } from "../b.ts";'],
    ["shared/a.ts", 'import { isIP, BlockList } from "node:net";'],
    ["shared/a.ts", 'import * as z from "zod";'],
    ["shared/io/a.ts", 'import { Redis } from "ioredis";\nimport { keysOf } from "../keys.ts";'],
    ["runner/a.ts", 'import { commitOn } from "../shared/io/commit.ts";'],
    ["shared/a.ts", '/** import { Redis } from "ioredis"; */\n// import "node:fs";'],
  ])("nothing wrong in %s: %s", (file, source) => {
    expect(
      importsIn(source)
        .map((each) => faultOf(file, each))
        .filter(Boolean),
    ).toEqual([]);
  });
});
