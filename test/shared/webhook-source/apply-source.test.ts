import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { NOW } from "../../builders.ts";
import { fieldsOf, read, SECRET, sourceOf, uidOf, wrongIn } from "./source-fixture.ts";

const BOT = sourceOf(
  {
    message: { from: "{{order.side}}", map: { buy: "EMA_CROSS_LONG", sell: "EMA_CROSS_SHORT" } },
    symbol: "{{pair.base}}{{pair.quote}}",
    time: "{{ts}}",
    quantity: { from: "{{order.legs.0.qty}}", default: "1" },
    note: '{{["limit price"]}} USD',
  },
  { uid: "{{order.id}}" },
);
const BODY =
  '{"order": {"id": 9007199254740993, "side": "BUY", "legs": [{"qty": 1.50}]}, "pair": {"base": "btc", "quote": "usdt"}, "ts": 1736940600, "limit price": 0.10}';
const bodyWith = (changes: object) => JSON.stringify({ ...JSON.parse(BODY), ...changes });

describe("the JSON of a bot", () => {
  it("becomes the fields of the template, with the digits of numbers, and the body beside them", () => {
    expect(fieldsOf(read(BODY, BOT))).toEqual({
      message: "EMA_CROSS_LONG",
      symbol: "btcusdt",
      time: "1736940600",
      quantity: "1.50",
      note: "0.10 USD",
      source: "bot",
      uid: expect.stringMatching(/^[0-9a-f]{32}$/),
      body: BODY,
    });
  });

  it("has a default where the body has no value, and no half texts", () => {
    const fields = fieldsOf(read(bodyWith({ order: { id: "1", side: "sell" }, "limit price": null }), BOT));
    expect(fields).toMatchObject({ message: "EMA_CROSS_SHORT", quantity: "1" });
    expect(fields).not.toHaveProperty("note");
  });

  it.each([
    [
      "a text that the map lacks",
      { order: { id: "1", side: "hold" } },
      "message: one of buy, sell at {{order.side}}",
    ],
    ["no value", { ts: "" }, "time: a value at {{ts}} of the body"],
    ["half a symbol", { pair: { base: "btc" } }, "symbol: a value at {{pair.quote}} of the body"],
    ["an object for a text", { ts: { at: 1 } }, "time: a text, number or boolean"],
    ["no uid", { order: { side: "buy" } }, "uid: a value at {{order.id}} of the body"],
    ["an empty uid", { order: { side: "buy", id: " " } }, "uid: a value at {{order.id}}"],
    ["a uid that is not filled in", { order: { side: "buy", id: "{{id}}" } }, "uid: a value at {{order.id}}"],
    ["a uid without a value", { order: { side: "buy", id: "NaN" } }, "uid: a value at {{order.id}}"],
  ])("with %s is refused", (_, changes, expected) => {
    expect(wrongIn(read(bodyWith(changes), BOT))).toContain(expected);
  });

  it("reaches nothing but the body", () => {
    const names = ["constructor", "__proto__", "toString", "length", "secret", "order.constructor.name"];
    for (const name of names) {
      const source = sourceOf({ ...BOT.template, leak: { from: `{{${name}}}`, default: "none" } });
      expect([name, fieldsOf(read(bodyWith({ secret: "mine" }), source))["leak"]]).toEqual([name, "none"]);
    }
    const list = sourceOf({ ...BOT.template, leak: { from: "{{order.legs.length}}", default: "none" } });
    expect(fieldsOf(read(BODY, list))["leak"]).toBe("none");
  });

  it("has no secret, in no field and in no fault", () => {
    const answer = read(bodyWith({ "limit price": SECRET, more: SECRET }), BOT);
    expect(JSON.stringify(fieldsOf(answer))).not.toContain(SECRET);
    expect(fieldsOf(answer)["body"]).toContain("***");
    expect(wrongIn(read(bodyWith({ order: { id: SECRET, side: SECRET } }), BOT))).not.toContain(SECRET);
  });

  it("as a list is all of its alerts, or none", () => {
    const both = read(`[${BODY}, ${bodyWith({ ts: 1736940660 })}]`, BOT);
    expect(both.status === "accepted" && both.alerts.map(({ fields }) => fields["time"])).toEqual([
      "1736940600",
      "1736940660",
    ]);
    expect(wrongIn(read(`[${BODY}, {}, ${bodyWith({ ts: "x" })}]`, BOT)).split("\n")).toEqual(
      expect.arrayContaining([expect.stringMatching(/^1symbol: /), expect.stringMatching(/^2time: /)]),
    );
    expect(wrongIn(read("[]", BOT))).toContain("expected 1 to 100");
    expect(wrongIn(read(`[${Array(101).fill(BODY).join()}]`, BOT))).toContain("101 alerts");
    expect(wrongIn(read("[1]", BOT))).toContain("alert 0 of the list is no object");
  });

  it("that is broken is refused with line and column", () => {
    expect(wrongIn(read('{\n"a": “x”}', BOT))).toMatch(/^2:6 found the typographic quote/);
    expect(wrongIn(read('{"a": 1, "a": 2}', BOT))).toMatch(/^1:\d+ .*a second time/);
    expect(wrongIn(read("", BOT))).toContain("the body is empty");
  });
});

describe("the body that is kept", () => {
  it("is cut at a character, and no field of a task", () => {
    const body = bodyWith({ long: "€".repeat(10_000) });
    const kept = fieldsOf(read(body, BOT))["body"] ?? "";
    expect(Buffer.byteLength(kept)).toBeGreaterThan(16_381);
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(16_384);
    expect(body.startsWith(kept)).toBe(true);
    const parsed = parseSignal({ id: `${NOW}-0`, fields: fieldsOf(read(body, BOT)) }, NOW);
    expect(parsed).toMatchObject({
      status: "valid",
      signal: { extra: '{"quantity":"1.5","note":"0.1 USD"}', notes: {} },
    });
  });
});

describe("a form and a text", () => {
  const template = { message: "{{signal}}", symbol: "{{ticker}}", time: "{{time}}", price: "{{price}}" };
  const form = sourceOf(template, { format: "form" });

  it("become fields as JSON does", () => {
    const body = "signal=EMA_CROSS_LONG&ticker=BTC%2FUSDT&time=2025-01-15T11%3A59%3A00Z&price=1%2C234.50\n";
    expect(fieldsOf(read(body, form))).toMatchObject({
      message: "EMA_CROSS_LONG",
      symbol: "BTC/USDT",
      time: "2025-01-15T11:59:00Z",
      price: "1,234.50",
      body,
    });
    expect(wrongIn(read("a=1&a=2", form))).toContain('"a" is there a second time');
    expect(wrongIn(read('{"a": 1}', form))).toContain("it looks like JSON");
    expect(wrongIn(read("------x\r\nContent-Disposition: form-data", form))).toContain("multipart/form-data");
    expect(wrongIn(read("%E0%A4%A=%", form))).toContain("message: a value at {{signal}}");

    const text = sourceOf(
      { message: "{{lines.0}}", symbol: "{{words.2}}", time: "{{fields.time}}", all: "{{text}}" },
      { format: "text" },
    );
    expect(fieldsOf(read("EMA_CROSS_LONG\non BTCUSDT now\ntime = 2025-01-15 11:59", text))).toMatchObject({
      message: "EMA_CROSS_LONG",
      symbol: "BTCUSDT",
      time: "2025-01-15 11:59",
    });
    expect(wrongIn(read("a=1\na=2", text))).toMatch(/^2:1 "a=2" gives a key a second value/);
  });
});

describe("the uid of a source", () => {
  const uid = (changes: object, source = BOT, name = "bot") =>
    uidOf(read(bodyWith(changes), source, { source: name }));
  const order = { id: "7", side: "buy", legs: [] };

  it("is hashed with source, symbol, phrase and bar time", () => {
    const first = uid({ order });
    expect(first).toBe(uid({ order, note: "resent" }));
    const others = [
      uid({ order }, BOT, "bot-2"),
      uid({ order, pair: { base: "eth", quote: "usdt" } }),
      uid({ order: { ...order, side: "sell" } }),
      uid({ order: { ...order, id: "8" } }),
      uid({ order, ts: 1736940660 }),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
    expect(first).not.toBe("7");
  });

  it("has no bar time where it has a time itself", () => {
    for (const template of ["{{order.id}} {{ts}}", "{{order.id}} {{fired}}"]) {
      const source = sourceOf({ ...BOT.template, time: "{{bar}}", sent_at: "{{ts}}" }, { uid: template });
      const fired = "2025-01-15T11:59:30Z";
      expect(uid({ order, fired, bar: 1736940000 }, source)).toBe(
        uid({ order, fired, bar: 1736940060 }, source),
      );
      expect(
        uid({ order, fired, bar: 1736940000, ts: 1 + 1736940600 }, source) ===
          uid({ order, fired, bar: 1736940000 }, source),
      ).toBe(template.includes("fired"));
    }
  });

  it("has the bar time where it has no more than a date, or a part of the time", () => {
    const bar = { ...BOT.template, time: "{{bar}}" };
    const dated = sourceOf(bar, { uid: "{{order.id}} {{date}}" });
    const day = { order, date: "2025-01-15" };
    expect(uid({ ...day, bar: 1736940000 }, dated)).not.toBe(uid({ ...day, bar: 1736940060 }, dated));
    const apart = sourceOf({ ...BOT.template, time: "{{date}} {{clock}}" }, { uid: "{{order.id}} {{date}}" });
    expect(uid({ ...day, clock: "10:00" }, apart)).not.toBe(uid({ ...day, clock: "10:15" }, apart));
  });

  it("without a time in the template, is the same whenever the alert arrives", () => {
    const { time: _, ...template } = BOT.template;
    const source = sourceOf(template, { uid: "{{order.id}}" });
    const at = (arrivalTime: number) => read(BODY, source, { arrivalTime });
    expect(uidOf(at(NOW))).toBe(uidOf(at(NOW + 60_000)));
    expect(fieldsOf(at(NOW))["bar_time"]).toBe("2025-01-15T12:00:00.000Z");
  });

  it("keeps its parts apart", () => {
    const source = sourceOf(BOT.template, { uid: "{{a}}{{b}}" });
    expect(uid({ a: "1", b: "23" }, source)).not.toBe(uid({ a: "12", b: "3" }, source));
  });
});

it("whatever the body: it is a valid signal, or there is a reason", () => {
  const json = fc.json({ maxDepth: 3 });
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    json,
    fc.constantFrom(BODY, `[${BODY}]`, "a=b\nc=d"),
  );
  const sources = [
    BOT,
    sourceOf(
      { message: "{{text}}", symbol: "{{words.0}}", x: "{{lines.9}}" },
      { format: "text", uid: "{{text}}" },
    ),
    sourceOf({ message: "{{a}}", symbol: "{{b}}", time: "{{c}}" }, { format: "form" }),
    "tradingview",
    "text",
    "tradingview-strategy",
  ] as const;
  fc.assert(
    fc.property(anything, fc.constantFrom(...sources), (body, source) => {
      const answer = read(body, source);
      if (answer.status !== "accepted") expect(wrongIn(answer)).not.toBe("");
      else
        for (const { fields } of answer.alerts)
          expect(parseSignal({ id: `${NOW}-0`, fields }, NOW).status).toBe("valid");
    }),
    { numRuns: 500 },
  );
});
