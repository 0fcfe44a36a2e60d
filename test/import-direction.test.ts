import { readdirSync, readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { circlesIn, importsIn, withoutComments, type Import } from "./imports.ts";

/**
 * The floor plan: imports go down, never up or to another room of the same floor, and form no circle. A room is a folder
 * (with a slash at the end) without the parts that have their own floor, or the files of one folder on the same floor.
 */
const FLOORS: readonly (readonly string[])[] = [
  ["runner/main.ts", "runner/cli.ts", "runner/migrate.ts", "runner/lambda.ts", "runner/fetch.ts"],
  ["runner/serverless/", "runner/cli/"],
  [
    "runner/http/app.ts",
    "runner/http/open-app.ts",
    "runner/http/serve.ts",
    "runner/http/serve-owner.ts",
    "runner/http/access-log.ts",
    "runner/http/docs.ts",
  ],
  [
    "runner/http/webhook/",
    "runner/http/functions/",
    "runner/http/signals/",
    "runner/http/dead-letters/",
    "runner/http/executions/",
    "runner/http/replays/",
    "runner/http/operations/",
    "runner/http/reference/",
  ],
  ["runner/http/auth/", "runner/http/server/"],
  ["runner/http/"],
  ["runner/migrate/", "runner/replay/", "runner/router.ts"],
  ["runner/jobs/", "runner/notify/", "runner/on-demand/"],
  ["runner/consume/"],
  ["runner/setup/"],
  ["runner/bindings/"],
  ["runner/engine/", "runner/local/"],
  ["runner/holding/"],
  ["runner/telemetry/"],
  ["runner/environment.ts"],
  ["functions/"],
  ["shared/io/status/", "shared/io/reference-edits/"],
  [
    "shared/io/commit/",
    "shared/io/streams/",
    "shared/io/reference/",
    "shared/io/reference-mapping/",
    "shared/io/log/",
    "shared/io/http-client/",
  ],
  ["shared/io/leases/"],
  ["shared/io/postgres/", "shared/io/redis/"],
  ["shared/io/files/"],
  // The files on top of shared/ define the words of all its rooms, so they have no floor.
  [
    "shared/compare/",
    "shared/replay/",
    "shared/notification/",
    "shared/health/",
    "shared/reference-document/",
    "shared/executions/",
  ],
  ["shared/decide/", "shared/webhook-source/"],
  ["shared/reference/"],
  ["shared/signal/"],
  ["shared/config/"],
];

const LAYERS = ["runner", "functions", "shared/io", "shared", "test"] as const;
type Layer = (typeof LAYERS)[number];

const ROOT = resolve(import.meta.dirname, "..");

/** External modules without I/O; a list names the exports without I/O of a module that has both. */
const WITHOUT_IO: Readonly<Record<string, readonly string[] | "all">> = {
  zod: "all",
  "fastest-levenshtein": "all",
  "ipaddr.js": "all",
  "node:crypto": "all",
  "node:events": ["setMaxListeners"],
  "p-limit": "all",
  "lossless-json": "all",
  yaml: "all",
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

function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) => path.startsWith(`${layer}/`));
}

interface Room {
  readonly name: string;
  /** From 0, the top. */
  readonly floor: number;
}

/** The room of a file: the longest matching name of the plan; undefined for files without a room. */
function roomOf(path: string): Room | undefined {
  const rooms = FLOORS.flatMap((names, floor) => names.map((name) => ({ name, floor })));
  return rooms
    .filter(({ name }) => (name.endsWith("/") ? path.startsWith(name) : path === name))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
}

/** What is wrong with this import in this file; undefined for a correct one. */
function faultOf(file: string, each: Import): string | undefined {
  if (layerOf(file) === "test") return undefined;
  if (!each.from.startsWith(".")) return outsideFault(file, each);
  const target = posix.join(posix.dirname(file), each.from);
  return layerFault(file, target, each) ?? roomFault(file, target);
}

/** Only `shared/io` and `runner` may import modules with I/O. */
function outsideFault(file: string, { from, names }: Import): string | undefined {
  const layer = layerOf(file);
  if (layer === "shared/io" || layer === "runner") return undefined;
  const allowed = WITHOUT_IO[from];
  const fine = allowed === "all" || (allowed !== undefined && names.every((name) => allowed.includes(name)));
  return fine
    ? undefined
    : `${file} imports ${from}, which may do I/O: move the code to shared/io or runner, or list the module in WITHOUT_IO`;
}

/** `functions` may import from `shared/io` only the types of their ports. */
function layerFault(file: string, target: string, { typeOnly }: Import): string | undefined {
  const [layer, to] = [layerOf(file), layerOf(target)];
  const fine =
    to === "shared" ||
    (layer === "shared/io" && to === "shared/io") ||
    (layer === "functions" && (to === "functions" || (to === "shared/io" && typeOnly))) ||
    (layer === "runner" && to !== "test");
  return fine ? undefined : `${file} imports ${target}${typeOnly ? " (types)" : ""}`;
}

function roomFault(file: string, target: string): string | undefined {
  const [room, to] = [roomOf(file), roomOf(target)];
  if (room === undefined || to === undefined || room.floor < to.floor || isSameRoom(room, to))
    return undefined;
  const where = room.floor === to.floor ? "another room on its floor" : "a room above";
  return `${file} imports ${target}, which is in ${where}`;
}

function isSameRoom(one: Room, other: Room): boolean {
  if (one.floor !== other.floor) return false;
  const [a, b] = [one, other].map(({ name }) => (name.endsWith("/") ? name : posix.dirname(name)));
  return a === b;
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts|mjs|js)$/.test(entry.name))
    .map((entry) => posix.join(entry.parentPath.slice(ROOT.length + 1).replaceAll("\\", "/"), entry.name));
}

const files = ["functions", "shared", "runner"].flatMap(filesBelow);
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

test("the test finds the files and their imports", () => {
  expect(files).toEqual(expect.arrayContaining(["shared/decide/decide.ts", "functions/process-signals.ts"]));
  expect(importsIn(read("functions/process-signals.ts")).map(({ from }) => from)).toEqual(
    expect.arrayContaining(["../shared/entry.ts", "../shared/decide/decide.ts", "../shared/function.ts"]),
  );
});

test("imports only go down the floor plan", () => {
  const faults = files.flatMap((file) => importsIn(read(file)).map((each) => faultOf(file, each)));
  expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
});

test("no files import each other in a circle", () => {
  const targetsOf = (file: string): string[] =>
    importsIn(read(file))
      .filter(({ from }) => from.startsWith("."))
      .map(({ from }) => posix.join(posix.dirname(file), from));
  expect(circlesIn(new Map(files.map((file) => [file, targetsOf(file)])))).toEqual([]);
});

test("every file of runner and shared/io is in a room, and every room of the plan exists", () => {
  const inRooms = files.filter(
    (file) => /^(runner|shared\/io)\//.test(file) && file !== "runner/install.mjs",
  );
  expect(inRooms.filter((file) => roomOf(file) === undefined)).toEqual([]);
  const rooms = new Set(files.map((file) => roomOf(file)?.name));
  expect(FLOORS.flat().filter((name) => !rooms.has(name))).toEqual([]);
  expect(
    readdirSync(join(ROOT, "runner"), { withFileTypes: true }).filter((each) => each.isFile()).length,
  ).toBeLessThanOrEqual(10);
});

test("only the entry points read the environment", () => {
  const readers = files.filter((file) =>
    /\bprocess\s*(\?\.|\.|\[["'])\s*env\b|\benv\b[^;]*from "node:process"/.test(withoutComments(read(file))),
  );
  expect(readers.filter((file) => !ENTRY_POINTS.some((entry) => file.startsWith(entry)))).toEqual([]);
});

describe("this test finds", () => {
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
    ["runner/engine/a.ts", 'import { drain } from "../consume/drain.ts";'],
    ["runner/engine/a.ts", 'import type { Drained } from "../consume/drain.ts";'],
    ["runner/engine/a.ts", 'import { findRedis } from "../local/find-redis.ts";'],
    ["runner/http/auth/a.ts", 'import { httpApp } from "../app.ts";'],
    ["runner/http/signals/a.ts", 'import { b } from "../replays/routes.ts";'],
    ["runner/jobs/a.ts", 'import { startRouter } from "../router.ts";'],
    ["runner/telemetry/a.ts", 'import { main } from "../main.ts";'],
    ["runner/http/a.ts", 'import { NOW } from "../../test/builders.ts";'],
    ["shared/io/redis/a.ts", 'import { b } from "../streams/groups.ts";'],
    ["shared/io/streams/a.ts", 'import { b } from "../log/log-store.ts";'],
    ["shared/signal/a.ts", 'import { decide } from "../decide/decide.ts";'],
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
    ["runner/setup/a.ts", 'import { commitOn } from "../../shared/io/commit/commit.ts";'],
    ["runner/consume/a.ts", 'import { processBatch } from "../engine/process-batch.ts";'],
    ["runner/http/app.ts", 'import { b } from "./auth/require-token.ts";'],
    ["runner/http/webhook/a.ts", 'import { b } from "../problem.ts";'],
    ["shared/a.ts", '/** import { Redis } from "ioredis"; */\n// import "node:fs";'],
  ])("nothing wrong in %s: %s", (file, source) => {
    expect(
      importsIn(source)
        .map((each) => faultOf(file, each))
        .filter(Boolean),
    ).toEqual([]);
  });
});
