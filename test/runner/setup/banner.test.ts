import { expect, test } from "vitest";
import { banner, bannerFields, shownSecrets, type BannerFacts } from "../../../runner/setup/banner.ts";
import { configOf } from "../../shared/config/config-fixture.ts";

const SECRETS = { HTTP_TOKEN: "token-of-the-router", WEBHOOK_SECRET: "secret-of-the-webhook" };
const config = configOf(SECRETS);

function factsOf({
  isDemo = true,
  isTerminal = false,
  given = configOf({}),
  used = config,
} = {}): BannerFacts {
  return {
    config: used,
    // The banner asks the database for its kind only.
    backing: {
      localRedis: true,
      isDemo,
      reference: { kind: "own" },
      database: { kind: "pglite" } as BannerFacts["backing"]["database"],
    },
    consumer: "router-1",
    redisUrl: "redis://127.0.0.1:6379",
    httpUrl: "http://127.0.0.1:8080",
    secrets: shownSecrets({ given, config: used, isTerminal }),
    splitTickers: [],
  };
}

test.each([true, false])("in a file a generated secret is the command that reads it (demo: %s)", (isDemo) => {
  const text = banner(factsOf({ isDemo }));
  expect(text).toContain('"Authorization: Bearer $(cat .data/http-token)"');
  expect(text).toContain("/webhooks/tradingview/$(cat .data/webhook-secret)");
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
});

test("on a terminal a generated secret is shown, and one of the environment never", () => {
  expect(banner(factsOf({ isTerminal: true }))).toContain(SECRETS.HTTP_TOKEN);
  const text = banner(factsOf({ isTerminal: true, given: config }));
  expect(text).toContain("Bearer $HTTP_TOKEN");
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
});

test("tickers that are two are said, with the strategies that list only one of them", () => {
  const split = { symbol: "X", perpetual: "X.P", onlySymbol: ["Trend (1)"], onlyPerpetual: [] };
  const text = banner({ ...factsOf(), splitTickers: [split] });
  expect(text).toMatch(/^ {2}tickers {4}X and X\.P are both listed, .* no signal for X\.P: Trend \(1\)/m);
  expect(banner(factsOf())).not.toContain("tickers");
});

test("a signal is suggested for the demo, and none that may trade on a reference of one's own", () => {
  expect(banner(factsOf())).toContain("npm run cli -- send --symbol BTCUSDT");
  const own = banner(factsOf({ isDemo: false }));
  expect(own).not.toMatch(/cli -- send|EMA_CROSS|-d '/);
  expect(own).toContain('echo "http://127.0.0.1:8080/webhooks/tradingview/');
});

test.each([
  [true, "EMA_CROSS_LONG"],
  [false, "<phrase of a signal>"],
])(
  "the message of an alert is there to paste, with what makes two alerts one signal (demo: %s)",
  (isDemo, phrase) => {
    const text = banner(factsOf({ isDemo }));
    const message = /^ {2}(\{ .* \})$/m.exec(text)?.[1] ?? "";
    expect(JSON.parse(message)).toEqual({
      message: phrase,
      symbol: "{{ticker}}",
      time: "{{time}}",
      sent_at: "{{timenow}}",
    });
    expect(text).toMatch(/twice within one bar is one signal[^]*--each-crossing/);
  },
);

test.each([true, false])(
  "webhooks that have secrets of their own are not called off (demo: %s)",
  (isDemo) => {
    const env = { HTTP_TOKEN: "token", WEBHOOK_SECRET_MY_BOT: "secret-of-the-bot" };
    const facts = factsOf({ isDemo, used: configOf(env) });
    const address = "http://127.0.0.1:8080/webhooks/my-bot/<WEBHOOK_SECRET_MY_BOT>";
    for (const text of [banner(facts), JSON.stringify(bannerFields(facts))]) {
      expect(text).toContain(address);
      expect(text).not.toMatch(/off; set WEBHOOK_SECRET|secret-of-the-bot/);
    }
    expect(banner(factsOf({ isDemo, used: configOf({ HTTP_TOKEN: "token" }) }))).toContain(
      "off; set WEBHOOK_SECRET",
    );
  },
);

test("as fields it has what runs where, and no secret", () => {
  const fields = JSON.stringify(bannerFields(factsOf()));
  expect(JSON.parse(fields)).toMatchObject({
    http: "http://127.0.0.1:8080",
    webhook: expect.stringContaining("$(cat .data/webhook-secret)"),
    consumer: "router-1",
  });
  for (const secret of Object.values(SECRETS)) expect(fields).not.toContain(secret);
});
