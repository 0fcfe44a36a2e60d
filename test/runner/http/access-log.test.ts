import { beforeEach, expect, test } from "vitest";
import { PEER, TOKEN, useHttpApp } from "./http-fixture.ts";

const SECRET = "s3cret-value/%+";
const logLines: string[] = [];
const http = useHttpApp({ settings: { WEBHOOK_SECRET: SECRET }, logLines });

beforeEach(() => {
  logLines.length = 0;
});

const requestLines = () =>
  logLines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ source }) => source === "http");

test("each request is a line with what was asked for and what came of it", async () => {
  const { headers } = await http.call("POST", "/pause", { strategy: 10 });
  expect(requestLines()).toEqual([
    expect.objectContaining({
      level: 30,
      msg: "POST /pause 200",
      request_id: headers.get("x-request-id"),
      method: "POST",
      route: "/pause",
      status: 200,
      duration_ms: expect.any(Number),
      client: PEER,
    }),
  ]);
});

test("the line names the route that was refused, and none where there is none", async () => {
  await http.app.request("/pause", { method: "POST" });
  await http.call("GET", "/no/such/route?of=mine");
  await http.call("GET", "/pause");
  expect(requestLines().map(({ msg }) => msg)).toEqual([
    "POST /pause 401",
    "GET (none) 404",
    "GET (none) 405",
  ]);
});

test("what machines ask for all the time is there for debugging only", async () => {
  await http.call("GET", "/healthz");
  expect(requestLines()).toMatchObject([{ level: 20, route: "/healthz" }]);
});

test("a failure nobody expected is a line too", async () => {
  http.app.get("/broken", () => {
    throw new Error("broken");
  });
  await http.call("GET", "/broken");
  expect(requestLines()).toMatchObject([{ route: "/broken", status: 500 }]);
});

test("neither paths, queries, headers nor bodies are in the log", async () => {
  const given = encodeURIComponent(SECRET);
  await http.app.request(`/webhooks/tradingview/${given}?key=${given}`, {
    method: "POST",
    body: `{"a":"${SECRET}"`,
  });
  await http.app.request(`/${TOKEN}?token=${TOKEN}`, {
    headers: { "user-agent": TOKEN, authorization: TOKEN },
  });
  await http.call("POST", "/pause", { by: "by", token: TOKEN }, { cookie: TOKEN });
  expect(requestLines()).toHaveLength(3);
  const all = logLines.join("\n");
  for (const secret of [SECRET, given, TOKEN]) expect(all).not.toContain(secret);
});
