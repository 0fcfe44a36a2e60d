import { expect, test } from "vitest";
import { msText, reasonText } from "../../shared/reason-text.ts";
import { EXECUTION_REASONS, SIGNAL_REASONS, STRATEGY_REASONS } from "../../shared/reasons.ts";

test("every reason has words of its own, which take in its detail", () => {
  for (const reason of [...SIGNAL_REASONS, ...STRATEGY_REASONS, ...EXECUTION_REASONS])
    expect(reasonText(reason)).toMatch(/^\w.* \w/);
  expect(reasonText("stale", { age_ms: 600_000, age_ms_max: 300_000 })).toBe(
    "too old: 10 min, the limit is 5 min (stale)",
  );
  expect(reasonText("ticker_not_allowed", { symbol: "ETHUSDT", allowed: 3 })).toBe(
    "ETHUSDT is not among its 3 tickers (ticker_not_allowed)",
  );
  expect(reasonText("no_eligible_strategy", { strategies: { paused: 2 } })).toBe(
    "no strategy took it: paused 2 (no_eligible_strategy)",
  );
  expect(reasonText("error", { error: "refused" })).toBe("the handler failed (error): refused");
  expect(reasonText("http_400", { error: "bad order" })).toBe("http_400: bad order");
  expect(reasonText("toString")).toBe("toString");
});

test("a span of time is read at a glance", () => {
  expect([0, 999, 1_500, 119_000, 600_000, -38, -600_000].map(msText)).toEqual([
    "0 ms",
    "999 ms",
    "1.5 s",
    "119.0 s",
    "10 min",
    "-38 ms",
    "-10 min",
  ]);
});
