import { expect, test } from "vitest";
import { statusText } from "../../../runner/cli/status.ts";
import type { Status } from "../../../shared/io/status/status.ts";

const NAME = "a\u001B[2J\nHealth: ready\u009B1m";

test("names that other programs gave neither control the terminal nor make a line of their own", () => {
  const group = { name: NAME, own: false, lag: 1, pending: 2, consumers: 3, oldestPendingIdleMs: null };
  const status = {
    streams: [{ name: "signals_stream", length: 1, groups: [group] }],
    loops: [],
    holders: [{ group: "signal_processor", status: "held", runner: NAME, since: 1, until: 2 }],
    routers: [],
    reference: { version: NAME, confirmedAt: null },
    strategies: { names: { 7: NAME }, reports: [], tasks: [] },
    paused: { 7: JSON.stringify({ by: NAME, at: 1 }) },
    metrics: { [`signals:${NAME}`]: 1, "strategy:7:dispatched": 1, [`processing_ms:${NAME}:sum`]: 1 },
    now: 1,
  } as unknown as Status;
  const text = statusText(status);
  expect(text).toContain("a\uFFFD[2J\uFFFDHealth");
  expect(text).not.toMatch(/\p{Cc}(?<!\n)/u);
  expect(text).not.toMatch(/^Health/m);
});
