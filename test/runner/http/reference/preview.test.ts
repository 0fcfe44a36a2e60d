import { describe, expect, test } from "vitest";
import { previewDraft } from "../../../../runner/replay/draft-preview.ts";
import { takeLease } from "../../../../shared/io/redis/lease.ts";
import { readDraft } from "../../../../shared/io/reference-edits/draft.ts";
import { pause, resume } from "../../../../shared/io/reference/control-store.ts";
import { parseDocument } from "../../../../shared/reference-document/parse-document.ts";
import { rowsWithStrategies, signalFields, strategyRow, tickerRow } from "../../../builders.ts";
import { everything } from "../../replay/replay-fixture.ts";
import { routeAll } from "../../replay/route-in-process.ts";
import { useHttpApp } from "../http-fixture.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const rows = rowsWithStrategies([strategyRow(10), strategyRow(11)], {
  tickers: [tickerRow("BTCUSDT"), tickerRow("ETHUSDT")],
});
const http = useHttpApp({ rows });

const PATH = "/reference/preview?replay=24h";
const SIGNALS = ["signal 1"];
const DRAFT = {
  tickers: [{ symbol: "BTCUSDT" }, { symbol: "ETHUSDT" }],
  strategies: [
    { name: "strategy 10", signals: SIGNALS, tickers: ["ETHUSDT"] },
    { name: "strategy 11", signals: SIGNALS },
    { name: "Mine", signals: SIGNALS, tickers: ["BTCUSDT"] },
  ],
  signals: [{ name: "signal 1", long_phrase: "SIGNAL_1_LONG", short_phrase: "SIGNAL_1_SHORT" }],
};

describe("POST /reference/preview", () => {
  test("decides the last hours by the reference as it is and by the draft; only the edit shows, and nothing is stored", async () => {
    const { redis, keys } = http.services;
    const send = async (uid: string, changes = {}) => http.publish(signalFields({ uid, ...changes }));
    const btc = await send("a");
    await send("a");
    const eth = await send("b", { symbol: "ETHUSDT" });
    await routeAll(http.services);
    await pause(redis, keys, 11, { by: "test", at: 1 });
    const paused = await send("c");
    await routeAll(http.services);
    await resume(redis, keys, 11);
    // Since then the reference was changed: that is no part of the edit.
    await http.sql("UPDATE tickers SET status = 'disabled' WHERE symbol = 'ETHUSDT'");
    const undecided = await send("d");
    await send("a");
    const before = await everything(http);
    const { status, body } = await http.call("POST", PATH, {
      ...DRAFT,
      tickers: [{ symbol: "BTCUSDT" }, { symbol: "ETHUSDT", status: "disabled" }],
    });
    expect(status).toBe(200);
    expect(await everything(http)).toEqual(before);
    expect(body).toMatchObject({ decided: 6, limited: false, differing: 5 });
    expect(body.version).not.toBe(body.version_draft);
    expect(body.strategies).toEqual([
      { strategy_id: 10, strategy: "strategy 10", was: 3, now: 0, more: 0, fewer: 3 },
      { strategy_id: 12, strategy: "Mine", was: 0, now: 3, more: 3, fewer: 0 },
      { strategy_id: 11, strategy: "strategy 11", was: 2, now: 2, more: 0, fewer: 0 },
    ]);
    const dispatching = body.signals.filter(({ difference }: { difference: { strategies: object[] } }) =>
      difference.strategies.some((one) => "now" in one && JSON.stringify(one.now).includes("dispatched")),
    );
    expect(dispatching.map(({ entry_id }: { entry_id: string }) => entry_id)).toEqual([
      undecided,
      paused,
      btc,
    ]);
    expect(body.signals.at(-1).difference).toEqual({
      signal: null,
      strategies: [
        {
          strategy_id: 10,
          strategy: "strategy 10",
          was: { status: "dispatched", reason: null },
          now: { status: "ignored", reason: "ticker_not_allowed" },
        },
        { strategy_id: 12, strategy: "Mine", was: null, now: { status: "dispatched", reason: null } },
      ],
    });
    expect(JSON.stringify(body.signals)).not.toContain(`"${eth}"`);
    const [row] = await http.sql("SELECT count(*)::int AS n FROM strategies");
    expect(row).toEqual({ n: 2 });
  });

  test("decides the newest only, in slices, out of the log where the stream is trimmed, and can be ended between slices", async () => {
    const { services } = http;
    await http.publishMany(150, (n) => signalFields({ uid: `u${n}` }));
    await routeAll(services);
    await services.redis.xtrim(services.keys.stream("signals_stream"), "MAXLEN", 20);
    const parsed = parseDocument(JSON.stringify(DRAFT));
    if (!parsed.ok) throw new Error("the document has faults");
    const { is, draft } = await readDraft(services.database, { document: parsed.document, prune: false });
    const turns: number[] = [];
    const options = { signalsMax: 140, goesOn: () => void turns.push(1) };
    const preview = await previewDraft({ is, draft, sinceMs: 3_600_000 }, services, options);
    expect(preview).toMatchObject({ decided: 140, isCut: true, differing: 140 });
    expect(turns).toHaveLength(2);
    const ended = previewDraft({ is, draft, sinceMs: 3_600_000 }, services, {
      goesOn() {
        throw new Error("ended");
      },
    });
    await expect(ended).rejects.toThrow("ended");
  });

  test("refuses a document with all its faults, a second preview at a time, and everything without Postgres", async () => {
    const strategies = [{ name: "strategy 10", signals: ["none"], tickers: ["NEWUSDT"], shadow: "no" }];
    const wrong = await http.call("POST", PATH, { ...DRAFT, strategies });
    expect(wrong).toMatchObject({ status: 422, body: { code: "reference_refused" } });
    const { redis, keys } = http.services;
    const lease = await takeLease(redis, keys.lease("preview", "reference"), 60_000);
    expect(await http.call("POST", PATH, DRAFT)).toMatchObject({
      status: 409,
      body: { code: "preview_running" },
    });
    await lease?.release();
    expect((await http.call("POST", PATH, DRAFT)).status).toBe(200);
    expect((await http.call("POST", "/reference/preview?replay=soon", DRAFT)).body.issues).toEqual([
      { path: "replay", message: "expected minutes, hours or days, such as 90m, 2h or 1d" },
    ]);
    const without = await callWithoutPostgres(http, "POST", PATH, DRAFT);
    expect(without).toMatchObject({ status: 503, body: { code: "postgres_unavailable" } });
  });
});
