import { expect, it } from "vitest";
import { refusedAlerts, rateLimited } from "../../../../runner/http/webhook/refused-alerts.ts";
import { webhookSecretsOf } from "../../../../shared/config/webhook-secrets.ts";
import type { SystemEvent } from "../../../../shared/events.ts";

const secrets = webhookSecretsOf({ webhookSecret: "s3cret-value", webhookSourceSecrets: {} });
if (secrets === undefined) throw new Error("there is a secret");

const counted: string[] = [];
const alertsTo = (published: SystemEvent[]) =>
  refusedAlerts({
    publish: (each) => published.push(each),
    count: (counter) => counted.push(counter),
    secrets,
  });

const event = (message: string): SystemEvent => ({ level: "WARNING", source: "webhook", message });

it("one event is published per interval, with the number of those left out since the one before", () => {
  const published: SystemEvent[] = [];
  let now = 0;
  const publish = rateLimited((each) => published.push(each), { everyMs: 10, now: () => now });
  for (const [at, message] of [
    [0, "a"],
    [1, "b"],
    [9, "c"],
    [10, "d"],
    [19, "e"],
    [100, "f"],
    [200, "g"],
  ] as const) {
    now = at;
    publish(() => event(message));
  }
  expect(published).toEqual([
    event("a"),
    { ...event("d"), details: { left_out: 2 } },
    { ...event("f"), details: { left_out: 1 } },
    event("g"),
  ]);
});

it("requests without the secret do not keep a refused alert with it out of the log", () => {
  const published: SystemEvent[] = [];
  const alerts = alertsTo(published);
  const problem = { status: 401, code: "wrong_secret", detail: "no" } as const;
  counted.length = 0;
  for (let n = 0; n < 5; n += 1) alerts.unauthenticated({ problem, client: "192.0.2.1" });
  for (let n = 0; n < 2; n += 1)
    alerts.authenticated({ problem: { ...problem, status: 422 }, client: "192.0.2.1" });
  expect(published.map(({ message }) => message.slice(0, 22))).toEqual([
    "alert refused with 401",
    "alert refused with 422",
    "alert refused with 422",
  ]);
  expect(counted).toEqual(Array.from({ length: 7 }, () => "alerts_refused:wrong_secret"));
});

it("an event contains no secret, neither from the body nor from Redis", () => {
  const published: SystemEvent[] = [];
  const alerts = alertsTo(published);
  alerts.authenticated({
    problem: { status: 503, code: "not_confirmed", detail: "no" },
    client: undefined,
    body: '{"note": "s3cret-value", "symbol": "BTCUSDT"}',
    cause: "ERR args beginning with: s3cret-value",
  });
  expect(published[0]?.details).toEqual({
    code: "not_confirmed",
    client: null,
    cause: "ERR args beginning with: ***",
    excerpt: '{"note": "***", "symbol": "BTCUSDT"}',
  });
});
