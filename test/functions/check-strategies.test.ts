import { expect, test } from "vitest";
import * as z from "zod";
import { unusableEvents, unusableStrategies } from "../../functions/check-strategies.ts";
import { HANDLERS } from "../../functions/strategies/registry.ts";
import { defineStrategy } from "../../shared/strategy.ts";
import { rowsWithStrategies, snapshotFrom, strategyRow } from "../builders.ts";

type Row = ReturnType<typeof strategyRow>;
const foundIn = (rows: readonly Row[], handlers = HANDLERS) =>
  unusableStrategies(snapshotFrom(rowsWithStrategies(rows)).strategies.values(), handlers);
const eventsOf = (rows: readonly Row[], handlers = HANDLERS) => unusableEvents(foundIn(rows, handlers));

const talkative = defineStrategy({
  name: "talkative",
  params: z.object({
    token: z.string().refine(() => false, { error: ({ input }) => `bad token ${String(input)}` }),
  }),
  run: () => ({ status: "executed" }),
});
const broken = defineStrategy({
  name: "broken",
  params: z.looseObject({}).transform((params) => {
    throw new Error(`broken by ${String(params["token"])}`);
  }),
  run: () => ({ status: "executed" }),
});

test("strategies that can be run are not spoken of", () => {
  const url = "https://broker.test/";
  const rows = [
    strategyRow(1),
    strategyRow(2, { handler: "none" }),
    strategyRow(3, { handler: "stream", params: { stream: "a" } }),
    strategyRow(4, { handler: "webhook", params: { url } }),
  ];
  expect(eventsOf(rows)).toEqual([]);
});

test("a strategy whose handler is unknown is named, with the known handlers", () => {
  expect(eventsOf([strategyRow(4, { name: "Trend", handler: "webhok" }), strategyRow(5)])).toEqual([
    {
      level: "ERROR",
      source: "refresh-reference",
      message:
        'Trend (4) cannot be run: there is no handler "webhok"; the handlers are log, none, stream, webhook; its tasks fail until its row is corrected',
      details: {
        strategy_id: 4,
        strategy: "Trend",
        handler: "webhok",
        fault: 'there is no handler "webhok"; the handlers are log, none, stream, webhook',
      },
      actionNeeded: true,
    },
  ]);
});

test("a strategy whose params do not fit is named, with what is wrong and where", () => {
  const params = { url: "t0ken", timeout_ms: -1 };
  const [event, ...more] = eventsOf([strategyRow(4, { name: "Trend", handler: "webhook", params })]);
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    level: "ERROR",
    actionNeeded: true,
    details: { strategy_id: 4, strategy: "Trend", handler: "webhook" },
  });
  expect(event?.message).toMatch(/^Trend \(4\).*webhook.*expected a URL.*url.*timeout_ms/s);
  expect(JSON.stringify(event)).not.toContain("t0ken");
});

test("as data, a fault has the reason that its tasks end with", () => {
  const rows = [strategyRow(4, { handler: "webhok" }), strategyRow(5, { name: "Five", handler: "webhook" })];
  expect(foundIn(rows)).toMatchObject([
    { strategyId: 4, handler: "webhok", reason: "unknown_handler" },
    { strategyId: 5, name: "Five", handler: "webhook", reason: "invalid_params" },
  ]);
});

test("disabled and archived strategies are not checked; those in the shadow are", () => {
  const handler = "unknown";
  const rows = [
    strategyRow(1, { handler, enabled: false }),
    strategyRow(2, { handler, archived: true }),
    strategyRow(3, { handler, shadow: true }),
  ];
  expect(eventsOf(rows).map(({ details }) => details?.["strategy_id"])).toEqual([3]);
});

test.each([talkative, broken])(
  "a schema that throws, or puts values into its messages, is a fault without these values ($name)",
  (handler) => {
    const params = { token: "t0ken", other: { deep: ["t0k"] } };
    const rows = [strategyRow(1, { handler: handler.name, params }), strategyRow(2, { handler: "unknown" })];
    const events = eventsOf(rows, [handler]);
    expect(events).toHaveLength(2);
    expect(events[0]?.message).toContain(handler === broken ? "broken by ***" : "bad token ***");
    expect(JSON.stringify(events)).not.toContain("t0ken");
  },
);
