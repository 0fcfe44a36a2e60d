import { describe, expect, test } from "vitest";
import { uidOf } from "../../../shared/signal/signal.ts";
import { rowsWithStrategies, signalFields, signalRow, strategyRow, tickerRow } from "../../builders.ts";
import { FORCE, useForcedReplays } from "./force-fixture.ts";
import { replay } from "./replay-fixture.ts";
import { routeAll } from "./route-in-process.ts";

const { http, tasks } = useForcedReplays();

const BAR = "2026-01-05T10:00:00Z";
const uid = (symbol: string): string => uidOf(symbol, "signal_1_long", Date.parse(BAR));
const meaning = (symbol: string | undefined) =>
  rowsWithStrategies([strategyRow(10)], {
    tickers: [tickerRow("BTCUSDT"), tickerRow("ETHUSDT")],
    ticker_aliases: symbol === undefined ? [] : [{ alias: "XBT", symbol }],
  });
const send = async (symbol: string): Promise<string> => http.publish(signalFields({ symbol, bar_time: BAR }));
const traded = async () => (await tasks()).map(({ symbol, log_uid }) => [symbol, log_uid]);

describe("an opening and its exit that bring one uid", () => {
  const rows = rowsWithStrategies([strategyRow(10, { exits: true })], {
    signals: [signalRow(1, { exit_phrase: "EXIT" })],
  });

  test.each(["stream", "log"])("are chosen one by one, from the %s", async (place) => {
    await http.setReference(rows);
    const opening = await http.publish(signalFields({ uid: "u", sent_at: "" }));
    const exit = await http.publish(signalFields({ uid: "u", message: "EXIT", sent_at: "" }));
    if (place === "log") {
      await routeAll(http.services);
      await http.services.redis.xtrim(http.services.keys.stream("signals_stream"), "MAXLEN", 0);
    }
    const chosen = async (one: string): Promise<string[]> => {
      const { signals } = await replay(http.services, { selection: { kind: "uids", uids: [one] } });
      return signals.map(({ entry_id }) => entry_id);
    };
    expect([await chosen("u"), await chosen("u:flat"), await chosen("u:long")]).toEqual([
      [opening],
      [exit],
      [],
    ]);
  });
});

describe("signals whose spelling means another ticker by now", () => {
  test("are traded once by the router, and once by each forced replay, with the uids of the log", async () => {
    await http.setReference(meaning("BTCUSDT"));
    const first = await send("XBT");
    await routeAll(http.services);
    await http.setReference(meaning("ETHUSDT"));
    const [again, other] = [await send("XBT"), await send("ETHUSDT")];
    await routeAll(http.services);
    expect(await traded()).toEqual([
      ["BTCUSDT", uid("BTCUSDT")],
      ["ETHUSDT", uid("ETHUSDT")],
    ]);

    const shown = await replay(http.services, { selection: { kind: "ids", ids: [first, again, other] } });
    expect(
      shown.signals.map(({ uid: shownUid, symbol, decided }) => [shownUid, symbol, decided?.status]),
    ).toEqual([
      [uid("BTCUSDT"), "ETHUSDT", "dispatched"],
      [uid("ETHUSDT"), "ETHUSDT", "duplicate"],
      [uid("ETHUSDT"), "ETHUSDT", "dispatched"],
    ]);
    const preview = await replay(http.services, { ...FORCE, dryRun: true });
    const forced = await replay(http.services, FORCE);
    for (const { signals } of [preview, forced])
      expect(signals.map(({ decided }) => [decided?.status, decided?.duplicate_of])).toEqual([
        ["dispatched", null],
        ["duplicate", first],
        ["duplicate", first],
      ]);
    expect((await traded()).slice(2)).toEqual([["ETHUSDT", uid("BTCUSDT")]]);
  });

  test("are found by the uid that they were recorded with, in the log and in the stream", async () => {
    await http.setReference(meaning("BTCUSDT"));
    const id = await send("XBT");
    const selection = { kind: "uids", uids: [uid("BTCUSDT")] } as const;
    expect((await replay(http.services, { selection })).signals).toMatchObject([
      { entry_id: id, uid: uid("BTCUSDT"), symbol: "BTCUSDT", logged: null },
    ]);
    await routeAll(http.services);
    await http.setReference(meaning(undefined));
    expect((await replay(http.services, { selection })).signals).toMatchObject([
      { entry_id: id, uid: uid("BTCUSDT"), decided: { reason: "unknown_ticker" } },
    ]);
  });
});
