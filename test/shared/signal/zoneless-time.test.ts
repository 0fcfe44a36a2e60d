import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isoTime, parseTime } from "../../../shared/signal/time.ts";
import { zonelessTime } from "../../../shared/signal/zoneless-time.ts";
import { writtenTime } from "../../arbitraries.ts";

const inTask = (text: string): string => zonelessTime(isoTime(parseTime(text) ?? Number.NaN), text);

test.each([
  "2026-11-30T10:55:00.123456",
  "2026-11-30T10:55:00.123",
  "2026-11-30T10:55:00",
  "2026-11-30T10:55",
  "2026-11-30 10:55:00",
  "2026-11-30t10:55:00",
])("%s is passed on as it stands", (text) => {
  expect(inTask(text)).toBe(text);
});

test.each([
  ["a Z", "2026-11-30T10:55:00.25Z", "2026-11-30T10:55:00.250000"],
  ["an offset", "2026-11-30T13:55:00+03:00", "2026-11-30T10:55:00.000000"],
  ["an offset and a Z", "2026-11-30T13:55:00+03:00Z", "2026-11-30T10:55:00.000000"],
  ["Unix seconds", "1796036100", "2026-11-30T10:55:00.000000"],
  ["Unix milliseconds", "1796036100250", "2026-11-30T10:55:00.250000"],
  ["a date alone", "2026-11-30", "2026-11-30T00:00:00.000000"],
  ["a comma before the decimals", "2026-11-30T10:55:00,123456", "2026-11-30T10:55:00.123000"],
  ["one decimal", "2026-11-30T10:55:00.5", "2026-11-30T10:55:00.500000"],
  ["nine decimals", "2026-11-30T10:55:00.123456789", "2026-11-30T10:55:00.123000"],
  ["hundreds of decimals", `2026-11-30T10:55:00.${"9".repeat(400)}`, "2026-11-30T10:55:00.999000"],
])("a time with %s becomes the same moment in the one form without zone", (_what, text, expected) => {
  expect(inTask(text)).toBe(expected);
});

test("the router's own time has the form without zone", () => {
  expect(zonelessTime("2026-11-30T10:55:00.250Z", null)).toBe("2026-11-30T10:55:00.250000");
});

/** Prints, for each line, whether Python finds a zone, and milliseconds since 1970. */
const PYTHON = `
import json, sys
from datetime import datetime, timedelta
times = [datetime.fromisoformat(text) for text in json.load(sys.stdin)]
print(json.dumps([[t.tzinfo is None, (t - datetime(1970, 1, 1)) // timedelta(milliseconds=1)] for t in times]))
`;
const hasPython = spawnSync("python3", ["--version"]).status === 0;

test.skipIf(!hasPython)("Python reads each as the same moment, without zone", () => {
  const anyMs = fc.integer({ min: 1_000_000_000, max: 2_000_000_000 }).map((minutes) => minutes * 1_000 + 7);
  const anyTime = fc.oneof(
    anyMs,
    anyMs.map((ms) => ms - (ms % 60_000)),
  );
  const texts = fc.sample(anyTime.chain(writtenTime), { numRuns: 500, seed: 7 });
  const { stdout } = spawnSync("python3", ["-c", PYTHON], {
    input: JSON.stringify(texts.map(inTask)),
    encoding: "utf8",
  });
  expect(JSON.parse(stdout)).toEqual(texts.map((text) => [true, parseTime(text)]));
});
