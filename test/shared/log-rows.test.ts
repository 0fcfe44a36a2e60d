import { expect, test } from "vitest";
import { logRowsOf } from "../../shared/log-rows.ts";

test("what a worker reports keeps the digits of its numbers", () => {
  const at = "2026-01-05T10:00:01Z";
  const report = `{"strategy_id":7,"status":"executed","reason":null,"attempt":1,"duration_ms":12,"at":"${at}",
    "detail":{"order_id":9007199254740993,"price":1.5,"legs":[{"id":9007199254740995}]}}`;
  const fields = { kind: "outcome", entry_id: "1-0", invocation: "live", data: report };
  const parsed = logRowsOf({ id: "2-0", fields }, "signal_results");
  expect(parsed).toMatchObject({
    ok: true,
    rows: {
      outcomes: [
        {
          record: {
            strategy_id: 7,
            detail: { order_id: "9007199254740993", price: 1.5, legs: [{ id: "9007199254740995" }] },
          },
        },
      ],
    },
  });
});

test("and so do the details of an event", () => {
  const fields = {
    event_id: "0b0f6c9e-6f0b-4b5e-8d8e-0f4f3c1f2a11",
    at: "2026-01-05T10:00:01Z",
    level: "INFO",
    source: "broker",
    message: "filled",
    details: '{"order_id":9007199254740993}',
    action_flag: "false",
  };
  expect(logRowsOf({ id: "2-0", fields }, "system_events")).toMatchObject({
    rows: { events: [{ details: { order_id: "9007199254740993" } }] },
  });
});
