import { describe, expect, it } from "vitest";
import { fieldsOf, MINUTE, read, SNAPSHOT, uidOf, wrongIn } from "./source-fixture.ts";

const TIME = "2025-01-15T11:59:00Z";

describe("tradingview", () => {
  it("keeps the members of the alert, and no body", () => {
    const body = `{"message": "EMA_CROSS_LONG", "symbol": "BTCUSDT.P", "time": "${TIME}", "close": 1.10}`;
    expect(fieldsOf(read(body, "tradingview", { source: "tradingview" }))).toEqual({
      message: "EMA_CROSS_LONG",
      symbol: "BTCUSDT.P",
      time: TIME,
      close: "1.10",
      source: "tradingview",
    });
  });
});

describe("text", () => {
  it.each([
    [
      "EMA_CROSS_LONG BTCUSDT",
      { message: "EMA_CROSS_LONG", symbol: "BTCUSDT", bar_time: "2025-01-15T12:00:00.000Z" },
    ],
    [`  EMA_CROSS_LONG\tBINANCE:BTCUSDT.P  ${TIME}\n`, { symbol: "BINANCE:BTCUSDT.P", time: TIME }],
    ["EMA_CROSS_LONG BTCUSDT 2025-01-15 11:59:00", { symbol: "BTCUSDT", time: "2025-01-15 11:59:00" }],
    ["EMA_CROSS_LONG BTCUSDT 1736940600", { time: "1736940600" }],
    [
      `MESSAGE=EMA cross, long\r\nSymbol = BTC/USDT\r\n\r\ntime=${TIME}\r\nQty=0.50\r\nsecret=old`,
      { message: "EMA cross, long", symbol: "BTC/USDT", time: TIME, Qty: "0.50" },
    ],
    ["message=a=b\nsymbol=X\nuid=mine", { message: "a=b", uid: "mine" }],
  ])("%j becomes a signal", (body, expected) => {
    const fields = fieldsOf(read(body, "text"));
    expect(fields).toMatchObject(expected);
    expect(fields).not.toHaveProperty("secret");
    expect(fields["body"]).toBe(body);
  });

  it.each([
    ["", "-:- the body is empty"],
    ["EMA_CROSS_LONG", "1:1 found one word"],
    ["EMA cross long BTCUSDT", '1:11 found "long BTCUSDT" behind phrase and ticker'],
    ["EMA_CROSS_LONG BTCUSDT soon", '1:24 found "soon" behind phrase and ticker: expected a time'],
    ["EMA_CROSS_LONG BTCUSDT {{time}}", "time: ISO 8601"],
    ["EMA_CROSS_LONG {{ticker}}", "symbol: a value such as BTCUSDT in place of the placeholder"],
    ['{"message": "EMA_CROSS_LONG"}', "it looks like JSON, which /webhooks/tradingview takes"],
    ["message=A\nand more\nsymbol=B", '2:1 found "and more" between lines KEY=VALUE'],
    ["message=A\nmessage=B", '2:1 "message=B" gives a key a second value'],
    ["message=A\nMESSAGE=B", "message is there twice"],
    ["message=A", "symbol: a ticker symbol"],
  ])("%j is refused", (body, expected) => {
    expect(wrongIn(read(body, "text"))).toContain(expected);
  });

  it("without a time has that of the minute it arrives in", () => {
    const at = (arrivalTime: number) => uidOf(read("EMA_CROSS_LONG BTCUSDT", "text", { arrivalTime }));
    expect(at(MINUTE)).toBe(at(MINUTE));
    expect(at(MINUTE)).not.toBe(at(MINUTE + 60_000));
  });
});

it.each(["tradingview", "text", "tradingview-strategy"] as const)(
  "%s says that it reads no UTF-16",
  (name) => {
    for (const text of ['{"message": "A"}', "\uFEFFEMA_CROSS_LONG BTCUSDT"]) {
      const body = new TextDecoder().decode(Buffer.from(text, "utf16le"));
      expect(wrongIn(read(body, name))).toContain("UTF-16");
    }
  },
);

describe("tradingview-strategy", () => {
  const order = {
    signal: "EMA_CROSS_LONG",
    symbol: "BTCUSDT.P",
    time: TIME,
    timenow: "2025-01-15T11:59:31Z",
    order_id: "Long entry",
    prev_market_position: "flat",
    market_position: "long",
  };
  const readOrder = (changes: object, options = {}) =>
    read(JSON.stringify({ ...order, ...changes }), "tradingview-strategy", options);
  const moves = (from: string, to: string, changes: object = {}) =>
    readOrder({ prev_market_position: from, market_position: to, ...changes });

  it.each([
    ["flat", "long", {}, "EMA_CROSS_LONG"],
    ["short", "long", {}, "EMA_CROSS_LONG"],
    ["flat", "short", {}, "EMA_CROSS_SHORT"],
    ["long", "SHORT", { signal: "ema_exit" }, "EMA_CROSS_SHORT"],
    ["long", "flat", {}, "EMA_EXIT_LONG"],
    ["short", "flat", {}, "EMA_EXIT"],
    ["long", "long", { map: { size_change: "RSI_LONG" } }, "RSI_LONG"],
    ["", "", { action: "buy", map: { buy: "RSI_LONG", sell: "EMA_EXIT" } }, "RSI_LONG"],
    ["", "", { action: "Sell", map: { buy: "RSI_LONG", sell: "EMA_EXIT" } }, "EMA_EXIT"],
  ])("%s to %s %j is %s", (from, to, changes, phrase) => {
    expect(fieldsOf(moves(from, to, changes))["message"]).toBe(phrase);
  });

  it("takes the other members along, and the time at which it fired", () => {
    const fields = fieldsOf(readOrder({ price: "1.50", contracts: 2, comment: "stop" }));
    expect(fields).toMatchObject({
      symbol: "BTCUSDT.P",
      time: TIME,
      sent_at: order.timenow,
      order_id: "Long entry",
      price: "1.50",
      contracts: "2",
      market_position: "long",
      uid: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(fields).not.toHaveProperty("signal");
    expect(fields).not.toHaveProperty("map");
  });

  it.each([
    ["a signal that is none", { signal: "BUY" }, "signal: any phrase of the signal"],
    ["no signal", { signal: " " }, "signal: any phrase of the signal"],
    ["a phrase of two signals", { signal: "shared" }, "signal: a phrase that one signal has"],
    ["no phrase for it", { signal: "RSI_LONG", market_position: "short" }, "a signal with a short_phrase"],
    [
      "no exit",
      { signal: "RSI_LONG", prev_market_position: "long", market_position: "flat" },
      "long_exit_phrase",
    ],
    ["one position", { prev_market_position: "" }, "prev_market_position: long, short or flat"],
    [
      "positions that are not filled in",
      { market_position: "{{strategy.market_position}}" },
      "market_position: long",
    ],
    ["flat after flat", { market_position: "flat" }, "flat after flat changes nothing"],
    [
      "an action alone",
      { prev_market_position: "", market_position: "", action: "buy" },
      "action: the positions",
    ],
    ["neither", { prev_market_position: "", market_position: "" }, 'market_position: "prev_market_position"'],
    [
      "a map to no phrase",
      { prev_market_position: "long", map: { size_change: "X" } },
      "map.size_change: a phrase",
    ],
    ["no order", { order_id: "" }, "order_id: the value of {{strategy.order.id}}"],
    ["an order that is not filled in", { order_id: "{{strategy.order.id}}" }, "order_id: the value of"],
    ["no time of its own", { timenow: null }, "timenow: the value of {{timenow}}"],
    ["a phrase of its own", { message: "RSI_LONG" }, "message: no such member"],
    ["a uid of its own", { uid: "1" }, "uid: no such member"],
    ["no bar", { time: "" }, "bar_time: the bar's time"],
  ])("with %s is refused", (_, changes, expected) => {
    expect(wrongIn(readOrder(changes))).toContain(expected);
  });

  it.each([
    ["of the same side changes the size", moves("long", "long"), "size_change"],
    ["of the same side, with another fault", moves("short", "short", { symbol: "" }), undefined],
    ["that closes nothing", moves("flat", "flat"), undefined],
    [
      "that closes, by a signal without exits",
      moves("long", "flat", { signal: "RSI_LONG" }),
      "no_exit_phrase",
    ],
    ["that closes, by no signal", moves("long", "flat", { signal: "OTHER" }), undefined],
    ["that opens, by a signal without that side", moves("flat", "short", { signal: "RSI_LONG" }), undefined],
  ])("an order %s has a cause of its own or none", (_, answer, cause) => {
    expect(answer).toMatchObject({ status: "invalid", cause });
  });

  it("is told apart by order, time of firing and phrase, not by the bar", () => {
    const first = uidOf(readOrder({}));
    expect(uidOf(readOrder({ time: "2025-01-15T11:58:00Z" }))).toBe(first);
    const others = [
      uidOf(readOrder({ order_id: "Other" })),
      uidOf(readOrder({ timenow: "2025-01-15T11:59:32Z" })),
      uidOf(readOrder({ symbol: "ETHUSDT" })),
      uidOf(moves("flat", "short")),
    ];
    expect(new Set([first, ...others]).size).toBe(5);
  });

  it("needs a snapshot, in which alone its phrases are", () => {
    expect(readOrder({}, { snapshot: undefined })).toEqual({ status: "no_snapshot" });
    expect(SNAPSHOT.subscriptions.size).toBeGreaterThan(0);
  });
});
