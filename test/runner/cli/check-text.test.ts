import { afterEach, expect, test, vi } from "vitest";
import { inTime, linesOf, type CheckLine } from "../../../runner/cli/check/check-line.ts";
import { checkJson, checkText } from "../../../runner/cli/check/check-text.ts";
import { ok } from "../../../shared/config/remark.ts";

const LINES: readonly CheckLine[] = [
  { subject: "Environment", status: "ok", message: "all variables are valid" },
  { subject: "Redis", status: "ok", message: "Redis 7.0.15" },
  { subject: "Redis", status: "warning", message: "no append-only file" },
  { subject: "Postgres", status: "fault", message: "cannot be used:\n  refused\u001B[2J" },
  { subject: "Strategies", status: "not_checked", message: "the reference cannot be read" },
];

afterEach(() => {
  vi.useRealTimers();
});

test("piped, each line has its sign and its subject, and no control characters", () => {
  expect(checkText(LINES, { colours: false })).toBe(
    [
      "✓ Environment all variables are valid",
      "✓ Redis       Redis 7.0.15",
      "! Redis       no append-only file",
      "✗ Postgres    cannot be used:; refused\uFFFD[2J",
      "– Strategies  not checked – the reference cannot be read",
      "",
      "1 fault, 1 warning: correct what is marked ✗, then check again. Nothing was changed.",
    ].join("\n"),
  );
});

test("on a terminal, signs have colours and a subject is named once", () => {
  const text = checkText(LINES, { colours: true });
  expect(text).toContain("\u001B[32m✓");
  expect(text).toContain("\u001B[31m✗");
  expect(text.match(/Redis {6}/g)).toHaveLength(1);
});

test("warnings and what could not be checked are no faults", () => {
  const lines = LINES.filter(({ status }) => status !== "fault");
  expect(checkText(lines, { colours: false })).toMatch(/\nNo fault, 1 warning\. Nothing was changed\.$/);
  expect(checkJson(lines)).toEqual({ ok: true, faults: 0, warnings: 1, checks: lines });
  expect(checkJson(LINES)).toMatchObject({ ok: false, faults: 1 });
});

test("a check that throws, or takes too long, is a fault that says what could not be checked", async () => {
  const failing = async () => Promise.reject(new Error("refused"));
  expect(await linesOf("Redis", "latency", failing)).toEqual([
    { subject: "Redis", status: "fault", message: "latency could not be checked: refused" },
  ]);
  expect(await linesOf("Redis", "latency", async () => [ok("1 ms")])).toMatchObject([{ status: "ok" }]);
  vi.useFakeTimers();
  const late = linesOf("Redis", "latency", async () => inTime(new Promise<never>(() => undefined)));
  await vi.runAllTimersAsync();
  expect(await late).toMatchObject([
    { status: "fault", message: expect.stringContaining("no answer within 5 s") },
  ]);
});
