import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { logConsole } from "../../../runner/telemetry/console-log.ts";

const lines: Record<string, unknown>[] = [];
const before = { ...console };
const listeners = process.listeners("warning");

beforeEach(() => {
  lines.splice(0);
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  logConsole(pino({ base: null }, { write }));
});
afterEach(() => {
  Object.assign(console, before);
  process.removeAllListeners("warning");
  for (const listener of listeners) process.on("warning", listener);
});

test("what is printed to the console is a line of the log, once when it is repeated with every connection", () => {
  console.warn("[WARN] a library says %s", "something");
  console.warn("[WARN] a library says %s", "something");
  console.error("it failed\u001B[2J");
  console.log("from a strategy");
  console.log("from a strategy");
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    [40, "[WARN] a library says something"],
    [50, "it failed\uFFFD[2J"],
    [30, "from a strategy"],
    [30, "from a strategy"],
  ]);
});

test("a warning of Node is a line of the log", async () => {
  process.emitWarning("possible leak", "MaxListenersExceededWarning");
  await vi.waitFor(() =>
    expect(lines).toMatchObject([{ level: 40, msg: "possible leak", name: "MaxListenersExceededWarning" }]),
  );
});
