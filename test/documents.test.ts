import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { countedMetrics } from "../runner/telemetry/counter-metrics.ts";
import { buildMetrics, currentMetrics, reachabilityMetrics } from "../runner/telemetry/current-metrics.ts";
import { strategyMetrics } from "../runner/telemetry/strategy-metrics.ts";
import { readConfig, type Config } from "../shared/config/config.ts";
import type { Status } from "../shared/io/status/status.ts";
import { EXECUTION_REASONS, SIGNAL_REASONS, STRATEGY_REASONS } from "../shared/reasons.ts";
import { anchorsIn, codeIn, linksIn, rowsIn, sectionIn } from "./markdown.ts";
import { useHttpApp } from "./runner/http/http-fixture.ts";

/** The guides say what the program does: what it has is taken from the program, and looked for in its guide. */

const EMPTY_STATUS: Status = {
  streams: [],
  loops: [],
  holders: [],
  routers: [],
  server: { refusals: [], memory: { used: null, max: null } },
  reference: { version: null, confirmedAt: null },
  strategies: { names: {}, reports: [], tasks: [] },
  deadLetters: { count: 0, oldestAt: null },
  shadow: { isShadow: false, suffix: "" },
  foreignConsumers: [],
  paused: {},
  metrics: {},
  now: 0,
};

const ROOT = resolve(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

const guides = ["functions", "shared", "runner", "test"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => posix.join(folder, file.replaceAll("\\", "/"))),
);
const documents = ["README.md", ...guides];

/** What is wrong with a link of this document; undefined when it leads somewhere. */
function linkFault(document: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : posix.join(posix.dirname(document), path);
  const fault = `${document}: ${link}`;
  if (target.startsWith("..") || !existsSync(join(ROOT, target))) return `${fault} (no such file)`;
  if (path.endsWith("/") !== (path !== "" && statSync(join(ROOT, target)).isDirectory()))
    return `${fault} (a folder ends with /, a file does not)`;
  if (anchor === undefined) return undefined;
  return anchorsIn(read(target)).has(anchor) ? undefined : `${fault} (no such heading)`;
}

describe("all documents", () => {
  test("are the README and the guides it lists", () => {
    const listed = linksIn(read("README.md")).filter((link) => link.endsWith("README.md"));
    expect(new Set(listed)).toEqual(new Set(guides));
    expect(guides.length).toBeGreaterThan(5);
  });

  test("have no relative link that leads nowhere", () => {
    const faults = documents.flatMap((file) => linksIn(read(file)).map((link) => linkFault(file, link)));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
    expect(faults.length).toBeGreaterThan(100);
  });

  test("the README has at most 180 lines", () => {
    expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(180);
  });

  test.each(guides)("%s opens with its contents", (guide) => {
    const [opening = "", ...sections] = read(guide).split(/^## /m);
    const contents = new Set(linksIn(opening));
    const missing = sections.filter((section) => !contents.has(`#${slugOf(section)}`));
    expect(missing.map((section) => section.split("\n")[0])).toEqual([]);
    expect(sections.length).toBeGreaterThan(3);
  });
});

const slugOf = (section: string): string => [...anchorsIn(`## ${section.split("\n")[0] ?? ""}`)][0] ?? "";

type Setting = Config[Exclude<keyof Config, "webhookSourceSecrets">];

describe("runner/README.md", () => {
  const answer = readConfig({});
  if (!answer.ok) throw new Error(answer.message);
  // Those have a row of their own, WEBHOOK_SECRET_<NAME>.
  const { webhookSourceSecrets: _, ...config } = answer.config;
  const rows = rowsIn(sectionIn(read("runner/README.md"), "Configuration"));
  const rowOf = (variable: string): string[] | undefined => rows.find(([name]) => name === `\`${variable}\``);
  const variables = Object.entries<Setting>(config).map(([key, value]): [string, Setting] => [
    key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    value,
  ]);

  test.each(variables)("has a row for %s, with its default and what it does", (variable, value) => {
    const [, said, what] = rowOf(variable) ?? [];
    expect(what).toMatch(/\w/);
    expect(said).toBe(defaultText(value));
  });

  test("has no variable that is none", () => {
    const known = new Set(variables.map(([variable]) => `\`${variable}\``));
    const named = rows.map(([name = ""]) => name).filter((name) => /^`[A-Z_]+`$/.test(name));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });
});

describe("the metrics of runner/README.md", () => {
  const rows = rowsIn(sectionIn(read("runner/README.md"), "Metrics"));
  const listed = rows.flatMap(([names = ""]) => names.split(", "));
  const check = {
    redisReachable: true,
    refusals: [],
    postgresReachable: true,
    health: { status: "ready", reasons: [] },
  } as const;
  const families = [
    ...buildMetrics(),
    ...reachabilityMetrics(check),
    ...countedMetrics(EMPTY_STATUS),
    ...currentMetrics(EMPTY_STATUS),
    ...strategyMetrics(EMPTY_STATUS, { blockMs: 2_000 }),
  ];

  test.each(families.map(({ name }) => name))("explain %s", (name) => {
    expect(listed).toContain(`\`${name}\``);
  });

  test("are none that there is not", () => {
    const known = new Set(families.map(({ name }) => `\`${name}\``));
    expect(listed.filter((name) => /^`\w+`$/.test(name) && !known.has(name))).toEqual([]);
  });
});

/** A default as the table has it: of a list with several elements they are all there are. */
function defaultText(value: Setting): string {
  if (typeof value !== "object") return value === undefined ? "" : String(value);
  return value.length > 1 ? "all" : value.join();
}

describe("functions/README.md", () => {
  const text = read("functions/README.md");
  const codes = [
    ...SIGNAL_REASONS.map((code) => ["Of a signal", code]),
    ...STRATEGY_REASONS.map((code) => ["Of a strategy", code]),
    ...EXECUTION_REASONS.map((code) => ["Of a task", code]),
  ];

  test.each(codes)("%s: says of %s what it means and what to do", (section = "", code = "") => {
    const row = rowsIn(sectionIn(text, section)).find(([name]) => name === `\`${code}\``);
    expect(row?.slice(1).filter((cell) => /\w/.test(cell))).toHaveLength(3);
  });
});

describe("shared/io/README.md", () => {
  const folder = "shared/io/postgres/migrations";
  const columns = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sql"))
    .flatMap((file) => columnsIn(read(posix.join(folder, file))));

  test("finds the columns of all tables", () => {
    expect(new Set(columns.map(([table]) => table)).size).toBeGreaterThanOrEqual(10);
    expect(columns).toContainEqual(["strategies", "reverse"]);
    expect(columns).toContainEqual(["strategies", "exit_age_ms_max"]);
  });

  test.each(columns)("explains the column %s.%s", (table, column) => {
    const rows = rowsIn(sectionIn(read("shared/io/README.md"), table));
    const row = rows.find(([names = ""]) => names.split(", ").includes(`\`${column}\``));
    expect(row?.slice(1).join("")).toMatch(/\w/);
  });
});

/** Table and column, as migrations in plain SQL create and add them. */
function columnsIn(sql: string): [table: string, column: string][] {
  const created = [...sql.matchAll(/^CREATE TABLE (\w+) \(\n(.*?)\n\);/gms)].flatMap(
    ([, table = "", body = ""]) =>
      [...body.matchAll(/^ {2}([a-z]\w*) /gm)].map(([, column = ""]): [string, string] => [table, column]),
  );
  const added = [...sql.matchAll(/^ALTER TABLE (\w+)\s(.*?);/gms)].flatMap(([, table = "", body = ""]) =>
    [...body.matchAll(/ADD COLUMN (\w+)/g)].map(([, column = ""]): [string, string] => [table, column]),
  );
  // One that leaves tables of others as they are has a list of table, column and definition.
  const list = sql.includes("ADD COLUMN %I") ? sql : "";
  const listed = [...list.matchAll(/^ +\('(\w+)', '(\w+)', '/gm)].map(
    ([, table = "", column = ""]): [string, string] => [table, column],
  );
  return [...created, ...added, ...listed];
}

describe("runner/http/README.md", () => {
  const http = useHttpApp({ settings: { WEBHOOK_SECRET: "a-secret-for-tests" } });
  const text = read("runner/http/README.md");
  const lines = codeIn(text, "sh").replaceAll("\\\n", " ").split("\n");

  /** Whether a curl line of the guide asks for this route. */
  function isTried(method: string, path: string): boolean {
    const pattern = path.replaceAll(/\{\w+\}/g, "[^\\s\"'?/]+");
    const asks = new RegExp(`\\bcurl .*localhost:8080${pattern}(?=[\\s"?)]|$)`);
    return lines.some((line) => asks.test(line) && methodOf(line) === method);
  }

  test("has every route, with who may ask, what it does, and a curl line", async () => {
    const { body } = await http.call("GET", "/openapi.json");
    const routes = Object.entries<Record<string, object>>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method): [string, string] => [method.toUpperCase(), path]),
    );
    expect(routes.length).toBeGreaterThan(20);
    const rows = rowsIn(text);
    const rowless = routes.filter(([method, path]) => {
      const row = rows.find(([name]) => name === `\`${method} ${path}\``);
      return row?.slice(1).filter((cell) => /\w/.test(cell)).length !== 2;
    });
    expect(rowless).toEqual([]);
    expect(routes.filter(([method, path]) => !isTried(method, path))).toEqual([]);
    const known = new Set(routes.map(([method, path]) => `\`${method} ${path}\``));
    const named = rows.map(([name = ""]) => name).filter((name) => /^`(GET|POST|PUT|DELETE) /.test(name));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

function methodOf(curl: string): string {
  const [, given] = / -X (\w+)/.exec(curl) ?? [];
  return given ?? (/ (--json|-d) /.test(curl) ? "POST" : "GET");
}
