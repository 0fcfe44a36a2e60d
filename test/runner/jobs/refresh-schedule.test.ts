import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { RefreshResult } from "../../../functions/refresh-reference.ts";
import { startRefreshSchedule } from "../../../runner/jobs/refresh-schedule.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import type { Running } from "../../../shared/running.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

let schedule: Running | undefined;
afterEach(async () => {
  await schedule?.stop();
});

const fault: SystemEvent = { level: "ERROR", source: "refresh-reference", message: "a row cannot be used" };

test.each<[RefreshResult["state"], number]>([
  ["unchanged", 1],
  ["refused", 1],
  ["newer_format", 1],
  // Publishing reports it by itself.
  ["published", 0],
])("what cannot be used in rows is reported once when a router starts (%s: %i)", async (state, times) => {
  const published: SystemEvent[] = [];
  let refreshes = 0;
  schedule = startRefreshSchedule({
    async refresh() {
      refreshes += 1;
      await nextTurn();
      const counts = { tickers: 1, strategies: 1, phrases: 1 };
      const faults = { count: 1, named: [] };
      return { state, version: "v", counts, faults, faultEvents: [fault], events: [], unusable: [] };
    },
    events: { publish: (event) => void published.push(event), flush: async () => undefined },
    subscriber: connectRedis(),
    channels: [`${freshPrefix()}events`],
    everyMs: 1,
  });
  await vi.waitFor(() => expect(refreshes).toBeGreaterThan(3));
  expect(published).toEqual(Array.from({ length: times }, () => fault));
});
