import { expect, test } from "vitest";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { rowsWithStrategies, strategyRow } from "../../../builders.ts";
import { at, logged, NO_ROWS, ran, routed } from "../../../shared/io/log/logged.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({
  rows: rowsWithStrategies([strategyRow(10, { name: "Trend" }), strategyRow(11, { name: "7 of 9" })]),
});

const search = async (params: Readonly<Record<string, string>>) =>
  http.call("GET", `/signals?${new URLSearchParams(params).toString()}`);

test("a search for a strategy, by id or name, has its outcome in each row: what was decided, and the newest end of its task", async () => {
  const { database, keys } = http.services;
  const attempt = { ...ran("2-0", { status: "failed", reason: "retryable_error", attempt: 1 }).record };
  await logStoreOn(database, keys.shard).write({
    ...NO_ROWS,
    signals: [
      logged("1-0", {
        decided_at: at("00:00:01.000"),
        outcomes: [routed(10, { status: "ignored", reason: "paused" }), routed(11)],
      }),
      logged("2-0", { decided_at: at("00:00:02.000"), outcomes: [routed(10)] }),
      logged("3-0", { decided_at: at("00:00:03.000"), outcomes: [routed(10)] }),
    ],
    outcomes: [
      ran("3-0", {
        status: "failed",
        reason: "http_400",
        detail: { status: 400 },
        attempt: 2,
        duration_ms: 7,
      }),
    ],
    attempts: [
      {
        entryId: "2-0",
        invocation: "live",
        part: "9-0 1",
        record: { ...attempt, status: "failed", attempt: 1, task_id: "9-0" },
      },
    ],
  });
  const failed = {
    status: "failed",
    reason: "http_400",
    detail: { status: 400 },
    attempt: 2,
    duration_ms: 7,
  };
  const outcomes = [
    {
      status: "dispatched",
      reason: null,
      detail: {},
      run: { ...failed, at: at("00:00:03.000") },
      attempts: 2,
    },
    { status: "dispatched", reason: null, detail: {}, run: null, attempts: 1 },
    { status: "ignored", reason: "paused", detail: {}, run: null, attempts: 0 },
  ];
  for (const strategy of ["10", "Trend", " Trend "]) {
    const { body } = await search({ strategy });
    expect(body.signals.map(({ entry_id }: { entry_id: string }) => entry_id)).toEqual(["3-0", "2-0", "1-0"]);
    expect(body.signals.map(({ outcome }: { outcome: unknown }) => outcome)).toEqual(outcomes);
  }
  const found = async (params: Readonly<Record<string, string>>) =>
    (await search(params)).body.signals.map(({ entry_id }: { entry_id: string }) => entry_id);
  expect(await found({ strategy: "Trend", reason: "http_400" })).toEqual(["3-0"]);
  expect(await found({ strategy: "Trend", status: "ignored" })).toEqual(["1-0"]);
  expect(await found({ strategy: "7 of 9", status: "dispatched" })).toEqual(["1-0"]);
  expect((await search({ uid: "uid of 1-0" })).body.signals[0]).not.toHaveProperty("outcome");

  const next = (await search({ strategy: "Trend", limit: "1" })).body.next_cursor;
  expect(await found({ strategy: "Trend", limit: "1", cursor: next })).toEqual(["2-0"]);

  expect(await search({ strategy: "Trent" })).toMatchObject({
    status: 422,
    body: {
      code: "invalid_request",
      issues: [{ path: "strategy", message: expect.stringContaining('the closest is "Trend"') }],
    },
  });
  expect((await search({ reason: "http_400" })).status).toBe(422);
});
