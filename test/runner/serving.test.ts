import { expect, test, vi } from "vitest";
import { isListening } from "../../runner/local/redis-probe.ts";
import { freePort } from "../servers/process.ts";
import { useRouters } from "../servers/router-fixture.ts";
import { openWire, requestText } from "./http/wire.ts";

const router = useRouters();
const TOKEN = "a-token-of-the-tests";
const SECRET = "a-secret-of-the-tests";

/** Where a router says that it serves. */
function urlIn(output: string): string {
  const [, url] = /"http":"(http:\/\/[\w.]+:\d+)"/.exec(output) ?? [];
  if (url === undefined) throw new Error(`no address in:\n${output}`);
  return url;
}

const pause = (length: number) => [
  "POST /pause HTTP/1.1",
  "host: x",
  `authorization: Bearer ${TOKEN}`,
  "content-type: application/json",
  `content-length: ${length}`,
  "expect: 100-continue",
];

test("without a token nothing listens, and what to set is said", async () => {
  const port = await freePort();
  Object.assign(router.env, { HTTP_PORT: String(port), WEBHOOK_SECRET: SECRET });
  const running = await router.start();
  expect(running.output()).toMatch(/"http":"off; set HTTP_TOKEN/);
  expect(running.output()).not.toContain("curl");
  expect(await isListening(port)).toBe(false);
});

test("with a token it is served, and neither token nor secret are in the log, but how to use them", async () => {
  Object.assign(router.env, {
    HTTP_TOKEN: TOKEN,
    WEBHOOK_SECRET: SECRET,
    HTTP_PORT: "0",
    LOG_LEVEL: "trace",
  });
  const running = await router.start();
  const url = urlIn(running.output());
  const authorization = `Bearer ${TOKEN}`;
  const answer = await fetch(`${url}/pause`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ by: "ann" }),
  });
  expect({ status: answer.status, body: await answer.json() }).toEqual({
    status: 200,
    body: { message: "every strategy paused by ann over HTTP" },
  });
  expect(await router.redis.hkeys(router.keys.control)).toContain("*");
  expect(running.output()).toContain("/webhooks/tradingview/$WEBHOOK_SECRET");
  expect(running.output()).not.toContain(TOKEN);
  expect(running.output()).not.toContain(SECRET);
});

test("a port that is taken ends the start with exit code 2, in order and saying what to do", async () => {
  Object.assign(router.env, { HTTP_TOKEN: TOKEN, HTTP_PORT: String(await freePort()) });
  const first = await router.start();
  const second = await router.run("main.ts");
  expect(second.code).toBe(2);
  expect(second.output).toMatch(
    /HTTP_PORT: port \d+ of .* is in use by another process: .*set HTTP_PORT to another/,
  );
  expect(second.output).toContain("router stopped: the start failed");
  expect((await fetch(`${urlIn(first.output())}/no-such-route`)).status).toBeGreaterThanOrEqual(400);
});

test("SIGTERM lets a request under way finish and exits 0", async () => {
  Object.assign(router.env, { HTTP_TOKEN: TOKEN, HTTP_PORT: "0" });
  const running = await router.start();
  const wire = openWire(urlIn(running.output()), requestText(pause(2)));
  await vi.waitFor(() => expect(wire.received()).toContain("100 Continue"));
  running.signal("SIGTERM");
  await vi.waitFor(() => expect(running.output()).toContain("router stopped: SIGTERM"));
  wire.socket.write("{}");
  expect(await wire.ended()).toMatch(/HTTP\/1.1 200 OK[^]*every strategy paused/);
  expect(await running.ended()).toBe(0);
});

test("a request that is not over within SHUTDOWN_MS_MAX is cut off, with exit code 1", async () => {
  Object.assign(router.env, { HTTP_TOKEN: TOKEN, HTTP_PORT: "0", SHUTDOWN_MS_MAX: "1500" });
  const running = await router.start();
  const wire = openWire(urlIn(running.output()), requestText(pause(2)));
  await vi.waitFor(() => expect(wire.received()).toContain("100 Continue"));
  running.signal("SIGTERM");
  expect(await running.ended()).toBe(1);
  expect(running.output()).toContain("requests that were still in progress were cut off");
  expect(await wire.ended()).not.toContain("200 OK");
});
