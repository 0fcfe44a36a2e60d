import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { withoutComments } from "../../imports.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/** The code of every source file but tests, by its path. */
const SOURCES = ["shared", "functions", "runner"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => {
      const file = join(folder, path);
      return { file, code: withoutComments(readFileSync(join(ROOT, file), "utf8")) };
    }),
);

/** Every line of the sources that matches, as `file: what matched`. */
const found = (pattern: RegExp): string[] =>
  SOURCES.flatMap(({ file, code }) =>
    [...code.matchAll(pattern)].map(([text]) => `${file}: ${text}`),
  ).toSorted();

test("every script says what a full Redis does with it; it refuses decisions, and the probe of that", () => {
  expect(found(/const \w+ = `#!lua(?! flags=(?:allow-oom|no-writes)\b)/g)).toEqual([
    "shared/io/commit/script.ts: const COMMIT_SCRIPT = `#!lua",
    "shared/io/redis/server-facts.ts: const WRITE_PROBE = `#!lua",
  ]);
  expect(found(/#!lua flags=/g).length).toBeGreaterThan(20);
});

test("there is no transaction but that of intake: a full Redis refuses MULTI with anything in it, also with what only reads", () => {
  expect(found(/\.multi\(/g)).toEqual(["shared/io/streams/signal-ingest.ts: .multi("]);
});

test("only what may be refused is sent as a command that a full Redis refuses", () => {
  const refused =
    /(?:redis|blocking|pipeline|commands)\s*\.(?:set|hset|hsetnx|hincrby|incr|incrby|xadd|xgroup|append|rename|copy)\(/g;
  expect(found(refused)).toEqual([
    // Intake.
    "runner/cli/send.ts: redis.xadd(",
    // Figures for the UI of the system before, written again every few seconds.
    "runner/jobs/old-metrics-schedule.ts: redis.hset(",
    // `cli check` tries what a server can, on keys that it removes.
    "shared/io/redis/server-probes.ts: redis.set(",
    "shared/io/redis/server-probes.ts: redis.xadd(",
    "shared/io/redis/server-probes.ts: redis.xgroup(",
    // Tries it first, and then a script.
    "shared/io/streams/add-when-full.ts: redis.xadd(",
    // The start of a run on demand.
    "shared/io/streams/invocation-marks.ts: redis.set(",
    "shared/io/streams/invocations.ts: redis.xadd(",
    "shared/io/streams/reserved-runs.ts: redis.set(",
    // Intake.
    "shared/io/streams/signal-ingest.ts: commands.xadd(",
  ]);
});
