import { expect, test } from "vitest";
import { oldSystemSettings } from "../../../runner/setup/old-system-settings.ts";
import { readConfig } from "../../../shared/config/config.ts";

test("the settings for v4 name what its UI publishes on, and the streams that say what was changed", () => {
  expect(oldSystemSettings("v4")).toEqual([
    "REFERENCE_CHANNELS=bb:tickers_events,tickers_bb_events,tickers_v4_events,signals_v4_events,strategies_v4_events",
    "REFERENCE_STREAMS=strategy_update_stream,strategy_state_stream",
  ]);
});

test("what is set already is not asked for again, and a reference of the router's own asks for nothing", () => {
  const answer = readConfig({ REFERENCE_STREAMS: "mine,strategy_state_stream,strategy_update_stream" });
  const config = answer.ok ? answer.config : undefined;
  expect(oldSystemSettings("v2", config)).toEqual(["REFERENCE_CHANNELS=bb:tickers_events,tickers_bb_events"]);
  expect(oldSystemSettings("own")).toEqual([]);
});

test.each(["v4", "v2"] as const)("the settings for %s are valid ones of the router", (system) => {
  const env = Object.fromEntries(oldSystemSettings(system).map((line) => line.split("=", 2)));
  expect(readConfig(env)).toMatchObject({
    ok: true,
    config: { referenceStreams: ["strategy_update_stream", "strategy_state_stream"] },
  });
});
