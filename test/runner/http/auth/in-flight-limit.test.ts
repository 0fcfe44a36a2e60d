import pino from "pino";
import { afterEach, describe, expect, test, vi } from "vitest";
import { IN_FLIGHT_MAX, inFlightCounts } from "../../../../runner/http/auth/in-flight-limit.ts";
import { openHttpApp } from "../../../../runner/http/open-app.ts";
import { peerAddressOf, startHttpServer } from "../../../../runner/http/server/server.ts";
import { useHttpApp } from "../http-fixture.ts";
import { ALERT } from "../webhook/webhook-fixture.ts";
import { openWire, requestText } from "../wire.ts";

test("each key has its own maximum, and what has ended makes room once", () => {
  const counts = inFlightCounts(2);
  const [first, second] = [counts.begin("a"), counts.begin("a")];
  expect([first, second, counts.begin("a"), counts.begin("b")].map((end) => end === undefined)).toEqual([
    false,
    false,
    true,
    false,
  ]);
  first?.();
  first?.();
  expect(counts.begin("a")).toBeDefined();
  expect(counts.begin("a")).toBeUndefined();
});

const SECRET = "a-secret-for-floods";
const TOKEN = "a-token-for-tests";
const http = useHttpApp({ settings: { WEBHOOK_SECRET: SECRET, TRUSTED_PROXIES: "127.0.0.1" } });
const PATH = "/webhooks/tradingview";
const FLOOD = 520;
/** On a busy machine the first have timed out, and make room, before the last arrive. */
const REFUSED_MIN = FLOOD / 2 - IN_FLIGHT_MAX;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** A server, and a flood of half-sent bodies without the secret from one address that have all arrived. */
async function flooded({ from }: { readonly from?: string } = {}) {
  const { app, close } = openHttpApp({ services: http.services, token: TOKEN, peerAddressOf });
  ends.push(close);
  const callbacks = { onFailure: () => undefined, onCrowded: () => undefined };
  const logger = pino({ level: "silent" });
  const server = await startHttpServer(app, { host: "127.0.0.1", port: 0, logger, ...callbacks });
  ends.push(async () => server.stop({ msMax: 0 }));
  const forwarded = from === undefined ? [] : [`x-forwarded-for: ${from}`];
  const half = requestText([`POST ${PATH} HTTP/1.1`, "host: x", ...forwarded, "content-length: 100"], "{");
  const wires = Array.from({ length: FLOOD }, () => openWire(server.url, half));
  ends.push(() => wires.forEach(({ socket }) => socket.destroy()));
  const refused = () => wires.filter((wire) => wire.received().includes("too_many_in_flight")).length;
  await vi.waitFor(() => expect(refused()).toBeGreaterThan(REFUSED_MIN), { timeout: 20_000 });
  const post = async (path: string, headers: Record<string, string> = {}, alert: object = ALERT) =>
    fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(alert) });
  return { url: server.url, post };
}

describe("half-sent bodies without the secret from one address", () => {
  test("keep out neither alerts with it in path or headers, nor the token, nor probes, and are events", async () => {
    const { url, post } = await flooded();
    const alerts = Array.from({ length: 40 }, async () => (await post(`${PATH}/${SECRET}`)).status);
    expect(await Promise.all(alerts)).toEqual(Array.from({ length: 40 }, () => 202));
    const authorization = `Bearer ${TOKEN}`;
    const statuses = [
      (await post(PATH, { "x-webhook-secret": SECRET })).status,
      (await post(PATH, { authorization: `Bearer ${SECRET}` })).status,
      (await fetch(`${url}/reference`, { headers: { authorization } })).status,
      (await fetch(`${url}/healthz`)).status,
    ];
    expect(statuses).toEqual([202, 202, 200, 200]);
    await http.services.counters.flush();
    const { redis, keys } = http.services;
    const counted = await redis.hget(keys.metrics, "alerts_refused:too_many_in_flight");
    expect(Number(counted)).toBeGreaterThan(REFUSED_MIN);
  });

  test("do not keep out alerts of other addresses with the secret in the body", async () => {
    const { post } = await flooded({ from: "2001:db8::1" });
    const secret = { ...ALERT, secret: SECRET };
    expect((await post(PATH, { "x-forwarded-for": "2001:db8:0:1::1" }, secret)).status).toBe(202);
  });
});
