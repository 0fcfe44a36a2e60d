import { describe, expect, it } from "vitest";
import { createHttpApp } from "../../../../runner/http/app.ts";
import { openSignalIngest } from "../../../../shared/io/streams/signal-ingest.ts";
import type { WebhookSource } from "../../../../shared/reference/webhook-source.ts";
import { redisUrl } from "../../../servers/fixtures.ts";
import { PEER, TOKEN, useHttpApp } from "../http-fixture.ts";

const BOT_SECRET = "the-secret-of-the-bot";
const OLD_SECRET = "the-secret-before-it";
const ORDERS_SECRET = "the-secret-of-orders";

const logLines: string[] = [];
const http = useHttpApp({
  settings: {
    WEBHOOK_SECRET: "the,secret,of,tradingview",
    WEBHOOK_SECRET_MY_BOT: `${BOT_SECRET}, ${OLD_SECRET}`,
    WEBHOOK_SECRET_TRADINGVIEW_STRATEGY: ORDERS_SECRET,
    WEBHOOK_SECRET_TEXT: "the-secret-of-texts",
    WEBHOOK_SECRET_OFF: "the-secret-of-the-one-that-is-off",
    WEBHOOK_SECRET_NEW: "the-secret-of-a-source-to-be",
    WEBHOOK_ALLOW_CIDRS: PEER,
    TRUSTED_PROXIES: PEER,
  },
  logLines,
});

const BOT: WebhookSource = {
  enabled: true,
  format: "json",
  template: { message: "{{side}}", symbol: "{{pair}}", time: "{{at}}" },
  uid: "{{id}}",
};
const ALERT = { side: "EMA_CROSS_LONG", pair: "BTCUSDT", at: "2026-01-05T10:00:00Z", id: 7 };

/** Sends a body to the app, whose snapshot has these sources besides. */
async function post(path: string, body: string | object, headers: Record<string, string> = {}) {
  const { services } = http;
  const sources = new Map([
    ["my-bot", BOT],
    ["off", { ...BOT, enabled: false }],
  ]);
  const routing = {
    ...services.routing,
    async latest() {
      const context = await services.routing.latest();
      return "status" in context ? context : { ...context, snapshot: { ...context.snapshot, sources } };
    },
  };
  const ingest = openSignalIngest({
    url: redisUrl(),
    keys: services.keys,
    name: "test",
    onError: () => undefined,
  });
  const app = createHttpApp({
    services: { ...services, routing },
    token: TOKEN,
    peerAddressOf: () => PEER,
    ingest,
  });
  try {
    const sent = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await app.request(path, { method: "POST", body: sent, headers });
    const text = await answer.text();
    return { status: answer.status, text, body: JSON.parse(text) };
  } finally {
    ingest.close();
  }
}

async function events() {
  await http.services.events.flush(5_000);
  return (await http.fieldsIn("system_events")).filter(({ source }) => source === "webhook");
}

describe("a webhook source", () => {
  it("makes a signal of a body by its template, with any of its secrets, wherever that is", async () => {
    const answers = [
      await post(`/webhooks/my-bot/${BOT_SECRET}`, ALERT),
      await post("/webhooks/my-bot/", ALERT, { authorization: `Bearer ${OLD_SECRET}` }),
      await post("/webhooks/my-bot", { ...ALERT, secret: BOT_SECRET }),
      await post("/webhooks/text", "EMA_CROSS_LONG BTCUSDT", { "x-webhook-secret": "the-secret-of-texts" }),
      await post("/webhooks/text", "message=EMA_CROSS_LONG\nsymbol=BTCUSDT\nsecret=the-secret-of-texts"),
    ];
    expect(answers.map(({ status, body }) => [status, body.uid?.length])).toEqual(
      answers.map(() => [202, 32]),
    );
    const entries = await http.fieldsIn("signals_stream");
    expect(entries[0]).toEqual({
      message: "EMA_CROSS_LONG",
      symbol: "BTCUSDT",
      time: ALERT.at,
      source: "my-bot",
      received_at: expect.any(String),
      uid: answers[0]?.body.uid,
      body: JSON.stringify(ALERT),
    });
    expect(entries.map(({ source }) => source)).toEqual(["my-bot", "my-bot", "my-bot", "text", "text"]);
    expect(new Set(answers.slice(0, 3).map(({ body }) => body.uid)).size).toBe(1);
    expect(JSON.stringify([entries, logLines])).not.toMatch(/the-secret-(of|before)/);
  });

  it("is opened by no secret of another, and strangers are not told whether it exists", async () => {
    const paths = [
      `/webhooks/my-bot/the,secret,of,tradingview`,
      `/webhooks/tradingview/${BOT_SECRET}`,
      "/webhooks/tradingview/the",
      `/webhooks/my-bot/${TOKEN}`,
      `/webhooks/nothing/${BOT_SECRET}`,
      "/webhooks/nothing/x",
      "/webhooks/my-bot/x",
    ];
    const answers = [];
    for (const path of paths) answers.push(await post(path, ALERT));
    const { request_id: _, ...first } = answers[0]?.body ?? {};
    for (const { status, body } of answers) {
      expect([status, body]).toEqual([401, { ...first, request_id: body.request_id }]);
    }
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
    expect(JSON.stringify(await events())).not.toMatch(/the-secret|the,secret/);
  });

  it("that is disabled, missing, or has no snapshot is refused with what to do, as an event", async () => {
    const off = await post("/webhooks/off/the-secret-of-the-one-that-is-off", ALERT);
    expect(off).toMatchObject({ status: 409, body: { code: "source_disabled" } });
    const missing = await post("/webhooks/new/the-secret-of-a-source-to-be", ALERT);
    expect(missing).toMatchObject({ status: 404, body: { code: "unknown_source" } });
    const { redis, keys } = http.services;
    await redis.del(keys.referenceCurrent);
    http.services.routing.invalidate();
    const none = await post(`/webhooks/my-bot/${BOT_SECRET}`, ALERT);
    expect(none).toMatchObject({ status: 503, body: { code: "snapshot_missing" } });
    const text = await post("/webhooks/text/the-secret-of-texts", "EMA_CROSS_LONG BTCUSDT");
    expect(text).toMatchObject({ status: 202 });
    expect(text.body).not.toHaveProperty("uid");
    expect((await events()).map(({ message = "" }) => message.split(" with ")[0])).toEqual([
      "alert to off refused",
      "alert to new refused",
      "alert to my-bot refused",
    ]);
  });

  it("says what is wrong with a body, and adds nothing", async () => {
    const path = `/webhooks/my-bot/${BOT_SECRET}`;
    expect(await post(path, '{"side": NaN}')).toMatchObject({
      status: 400,
      body: { code: "unreadable_body", detail: expect.stringContaining("line 1, column 10") },
    });
    expect(await post(path, { ...ALERT, id: "{{id}}", pair: BOT_SECRET.repeat(2) })).toMatchObject({
      status: 422,
      body: { issues: [{ path: "uid", message: expect.stringContaining("not filled in by the sender") }] },
    });
    const order = {
      signal: "SIGNAL_1_LONG",
      symbol: "BTCUSDT",
      time: ALERT.at,
      timenow: ALERT.at,
      order_id: "a",
    };
    const strategy = `/webhooks/tradingview-strategy/${ORDERS_SECRET}`;
    const same = { ...order, prev_market_position: "long", market_position: "long" };
    expect(await post(strategy, same)).toMatchObject({ status: 422, body: { code: "size_change" } });
    expect(await post(strategy, { ...same, signal: "OTHER", market_position: "flat" })).toMatchObject({
      status: 422,
      body: { code: "invalid_signal" },
    });
    expect(await post(strategy, { ...same, market_position: "flat" })).toMatchObject({
      status: 422,
      body: { code: "no_exit_phrase", detail: expect.stringContaining("(SIGNAL_1_LONG)") },
    });
    expect((await events()).filter(({ action_flag: flag }) => flag === "true")).toEqual([
      expect.objectContaining({ level: "ERROR", message: expect.stringContaining("so nothing is closed") }),
    ]);
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
    expect(
      await post(strategy, { ...order, prev_market_position: "flat", market_position: "long" }),
    ).toMatchObject({
      status: 202,
    });
    expect(await http.fieldsIn("signals_stream")).toMatchObject([
      { message: "SIGNAL_1_LONG", source: "tradingview-strategy" },
    ]);
  });

  it("of a sender of its own is open to any address, a built-in one only to those that are listed", async () => {
    const elsewhere = { "x-forwarded-for": "198.51.100.7" };
    expect((await post(`/webhooks/my-bot/${BOT_SECRET}`, ALERT, elsewhere)).status).toBe(202);
    expect((await post("/webhooks/text/the-secret-of-texts", "A B", elsewhere)).status).toBe(403);
  });
});

describe("a list of alerts", () => {
  const list = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      message: "EMA_CROSS_LONG",
      symbol: `COIN${n}`,
      time: ALERT.at,
    }));
  const path = "/webhooks/tradingview/the,secret,of,tradingview";

  it("is added as a whole, with an answer for each", async () => {
    const { status, body } = await post(path, list(100));
    expect(status).toBe(202);
    const entries = await http.fieldsIn("signals_stream");
    expect(entries.map(({ symbol }) => symbol)).toEqual(list(100).map(({ symbol }) => symbol));
    expect(body).toHaveLength(100);
    expect(new Set(body.map(({ uid }: { uid: string }) => uid)).size).toBe(100);
    expect((await post(path, list(1))).body).toEqual([
      { entry_id: expect.any(String), uid: expect.any(String) },
    ]);
  });

  it("is refused as a whole, with the place of each fault", async () => {
    const { status, body } = await post(path, [...list(2), { message: "A" }]);
    expect([status, body.code]).toEqual([422, "invalid_signal"]);
    expect(body.issues.map(({ path: at }: { path: string }) => at)).toEqual(["[2].bar_time", "[2].symbol"]);
    expect((await post(path, list(101))).status).toBe(400);
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
  });
});
