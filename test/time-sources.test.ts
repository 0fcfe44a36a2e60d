import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { withoutComments } from "./imports.ts";

/**
 * This machine's clock may be set at any moment, so nothing is measured or compared with it: durations come from
 * `performance.now()`, moments from Redis. The files that may read it, and what for.
 */
const MAY_READ_THE_HOSTS_CLOCK: Readonly<Record<string, string>> = {
  "shared/io/redis/clock.ts":
    "its difference to performance.now() shows a sleep; before the first sample there is no other",
  "shared/io/redis/clock-difference.ts": "cli check compares it with Redis' clock",
  "runner/cli/log/times.ts": "lists leave out today's date, and --since is typed by a person at this machine",
  "runner/http/auth/failed-auth-counts.ts": "the limiter subtracts it again to say when to come back",
  "runner/install.mjs": "the age of a file, before there is anything else",
  "functions/strategies/run-handler.ts": "a receiver compares a delivery's timestamp with a clock of its own",
};

const ROOT = resolve(import.meta.dirname, "..");
const READS_THE_HOSTS_CLOCK =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\{[^}]*\bnow\b[^}]*\}\s*=\s*Date\b/;

function readsHostsClock(source: string): boolean {
  return READS_THE_HOSTS_CLOCK.test(withoutComments(source));
}

/** Source files, with slashes. */
function sourceFiles(): readonly string[] {
  return ["functions", "runner", "shared"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.m?[jt]sx?$/.test(file))
      .map((file) => `${folder}/${file.replaceAll("\\", "/")}`),
  );
}

test("only the files that are named here, each with its reason, read this machine's clock", () => {
  const files = sourceFiles();
  expect(files).toContain("runner/main.ts");
  const reading = files.filter((file) => readsHostsClock(readFileSync(join(ROOT, file), "utf8")));
  expect(reading.toSorted()).toEqual(Object.keys(MAY_READ_THE_HOSTS_CLOCK).toSorted());
});

test.each([
  "const startedAt = Date.now();",
  "if (now() - since > 1_000 && Date.now() > until) return;",
  "const at = new Date().toISOString();",
  "const at = new Date( );",
  "export const clock = (now = Date.now) => now();",
  "const { now } = Date;",
  "const text = Date();",
])("this test would see %s", (source) => {
  expect(readsHostsClock(source)).toBe(true);
});

test.each([
  "const at = new Date(clock.now()).toISOString();",
  "const startedAt = performance.now();",
  "// Not Date.now(), which may be set.",
  "/** Like Date.now(). */",
  "const ms = Date.parse(text);",
  "const updated = lastUpdate();",
])("and lets pass %s", (source) => {
  expect(readsHostsClock(source)).toBe(false);
});
