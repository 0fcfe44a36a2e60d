import { describe, expect, test } from "vitest";
import { referenceRows, signalFields, tickerRow } from "../../../builders.ts";
import { asRead, mixedReference, mixedSignal } from "../../../mixed-signals.ts";
import { insertReference } from "../../../servers/insert-reference.ts";
import { everythingIn } from "../everything-in.ts";
import { useHttpApp } from "../http-fixture.ts";
import { OUTCOME_FIELDS } from "../router-steps.ts";

const http = useHttpApp({
  settings: {
    HTTP_BODY_BYTES_MAX: "20000000",
    STREAM_RETENTION_MS: "1000",
    CLAIM_IDLE_MS: "300",
    DELIVERIES_MAX: "3",
  },
});

const signal = (uid: string) => ({ fields: signalFields({ uid }) });
const dry = async (name: string, body?: unknown) => http.call("POST", `/functions/${name}?dryRun=true`, body);

describe("a dry run", () => {
  test("over 10,000 signals, with tasks, duplicates and garbage among them, changes nothing", async () => {
    await http.setReference(mixedReference());
    await http.call("POST", "/functions/process-signals", { entries: [signal("given-0")] });
    await http.call("POST", "/functions/persist-log/poll");
    const before = await everythingIn(http);
    const statuses = new Map<string, number>();
    for (let from = 0; from < 10_000; from += 1_000) {
      const entries = Array.from({ length: 1_000 }, (_, i) => {
        const { note: _note, ...fields } = asRead(mixedSignal(from + i, Date.now()));
        return { fields };
      });
      const { status, body } = await dry("process-signals", { entries });
      expect(status).toBe(200);
      for (const { decision } of body.results)
        statuses.set(decision.status, (statuses.get(decision.status) ?? 0) + 1);
    }
    expect([...statuses.keys()].toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "dispatched",
      "duplicate",
      "ignored",
      "rejected",
    ]);
    expect(await everythingIn(http)).toEqual(before);
  }, 120_000);

  test("answers for each signal what a call then answers, effects included", async () => {
    const entries = [signal("a"), signal("b"), signal("a"), { fields: { message: "?" } }].map((entry, i) => ({
      ...entry,
      id: `${Date.now()}-${i}`,
    }));
    await http.call("POST", "/functions/process-signals", { entries: [signal("b")] });
    const predicted = (await dry("process-signals", { entries })).body.results;
    const done = (await http.call("POST", "/functions/process-signals", { entries })).body.results;
    const comparable = ({ id, outcome, decision }: { id: string; outcome: string; decision: object }) => ({
      id,
      outcome,
      decision: { ...decision, decided_at: "" },
    });
    expect(predicted.map(comparable)).toEqual(done.map(comparable));
    expect(predicted.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      "applied",
      "duplicate",
      "duplicate",
      "applied",
    ]);
    expect(predicted[0].effects).toMatchObject({
      claim: { uid: "a", if_lost: { count: expect.arrayContaining(["signals:duplicate"]) } },
      append: [
        { stream: "strategy_input_stream", each: [{ strategy_id: "10" }] },
        { stream: "signal_results" },
      ],
      count: ["signals:dispatched", "strategy:10:dispatched"],
    });
    const again = (await dry("process-signals", { entries })).body.results;
    expect(again[0]).toMatchObject({ outcome: "held" });
    expect(again[0]).not.toHaveProperty("decision");
  });

  test("decides on the current snapshot, and nothing without one", async () => {
    const { results } = (await dry("process-signals", { entries: [signal("a")] })).body;
    await http.setReference(referenceRows({ tickers: [tickerRow("BTCUSDT", { status: "disabled" })] }));
    const { results: later } = (await dry("process-signals", { entries: [signal("a")] })).body;
    expect([results[0].decision.status, later[0].decision.reason]).toEqual(["dispatched", "ticker_disabled"]);
    await http.services.redis.del(http.services.keys.referenceCurrent);
    expect((await dry("process-signals", { entries: [signal("a")] })).status).toBe(503);
  });

  test("of persist-log answers which entries are records, without Postgres, and writes none", async () => {
    const before = await everythingIn(http);
    const entries = [{ fields: OUTCOME_FIELDS }, { fields: { kind: "?" } }];
    await http.services.database.close();
    expect((await dry("persist-log", { entries })).body).toEqual({
      dry_run: true,
      results: [
        { id: expect.any(String), status: "done" },
        {
          id: expect.any(String),
          status: "dead",
          reason: "invalid_record",
          error: expect.stringContaining("not a record"),
        },
      ],
    });
    expect(await everythingIn(http)).toEqual(before);
  });

  test("of a refresh answers which version it would publish, and takes no ticket", async () => {
    const { keys, redis } = http.services;
    const current = await redis.get(keys.referenceCurrent);
    expect((await dry("refresh-reference")).body).toMatchObject({
      version: current,
      current,
      differs: false,
    });
    await http.sql("TRUNCATE tickers, signals, strategies, strategy_signals, strategy_tickers");
    await insertReference(http.databaseUrl, referenceRows({ tickers: [tickerRow("A"), tickerRow("B")] }));
    const before = await everythingIn(http);
    const { body } = await dry("refresh-reference");
    expect(body).toMatchObject({
      job: "refresh-reference",
      dry_run: true,
      current,
      differs: true,
      counts: { tickers: 2 },
    });
    expect(await everythingIn(http)).toEqual(before);
    expect((await http.call("POST", "/functions/refresh-reference")).body).toMatchObject({
      state: "published",
      version: body.version,
      counts: body.counts,
    });
  });

  test("of trim answers what it could remove and which groups keep the rest, and removes nothing", async () => {
    const { keys, redis } = http.services;
    const old = async (stream: "signals_stream" | "strategy_input_stream", count: number) => {
      const pipeline = redis.pipeline();
      for (let n = 1; n <= count; n += 1) pipeline.xadd(keys.stream(stream), `${n}-0`, "n", n);
      await pipeline.exec();
    };
    await old("strategy_input_stream", 300);
    await old("signals_stream", 600);
    await redis.xgroup("CREATE", keys.stream("signals_stream"), "signal_processor", "550-0");
    const before = await everythingIn(http);
    const { body } = await dry("trim");
    expect(body).toMatchObject({ job: "trim", dry_run: true, log: null });
    expect(body.streams.slice(0, 2)).toEqual([
      {
        stream: "signals_stream",
        removable: 500,
        more: true,
        behind: [{ group: "signal_processor", state: "keeps", from: "551-0" }],
      },
      { stream: "strategy_input_stream", removable: 300, more: false, behind: [] },
    ]);
    expect(await everythingIn(http)).toEqual(before);
    expect((await http.call("POST", "/functions/trim")).body.streams.slice(0, 2)).toMatchObject([
      { stream: "signals_stream", removed: 500 },
      { stream: "strategy_input_stream", removed: 300 },
    ]);
  });
});
