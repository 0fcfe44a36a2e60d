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

test("each request is a line with its route, status and client", async () => {
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

test("the line names the route of a refused request, and none where no route matches", async () => {
  await http.app.request("/pause", { method: "POST" });
  await http.call("GET", "/no/such/route?of=mine");
  await http.call("GET", "/pause");
  expect(requestLines().map(({ msg }) => msg)).toEqual([
    "POST /pause 401",
    "GET (none) 404",
    "GET (none) 405",
  ]);
});

test("routes that machines poll are logged for debugging only", async () => {
  await http.call("GET", "/healthz");
  expect(requestLines()).toMatchObject([{ level: 20, route: "/healthz" }]);
});

test("an unexpected error is a line too", async () => {
  http.app.get("/broken", () => {
    throw new Error("broken");
  });
  await http.call("GET", "/broken");
  expect(requestLines()).toMatchObject([{ route: "/broken", status: 500 }]);
});

test("neither paths, queries, headers nor bodies are in the log", async () => {
  const encoded = encodeURIComponent(SECRET);
  await http.app.request(`/webhooks/tradingview/${encoded}?key=${encoded}`, {
    method: "POST",
    body: `{"a":"${SECRET}"`,
  });
  await http.app.request(`/${TOKEN}?token=${TOKEN}`, {
    headers: { "user-agent": TOKEN, authorization: TOKEN },
  });
  await http.call("POST", "/pause", { by: "by", token: TOKEN }, { cookie: TOKEN });
  expect(requestLines()).toHaveLength(3);
  const all = logLines.join("\n");
  for (const secret of [SECRET, encoded, TOKEN]) expect(all).not.toContain(secret);
});
