import { once } from "node:events";
import { createServer } from "node:net";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { afterEach, describe, expect, test, vi } from "vitest";
import { MisconfigurationError } from "../../../../runner/environment.ts";
import {
  peerAddressOf,
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from "../../../../runner/http/server/server.ts";
import { openLogger } from "../../../../runner/telemetry/logger.ts";
import { openWire, requestText, type Wire } from "../wire.ts";

const servers: HttpServer[] = [];
const wires: Wire[] = [];

afterEach(async () => {
  for (const { socket } of wires.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map(async (server) => server.stop(0)));
});

/** A text that is part of an answer, once the test releases it. */
function held() {
  let release: (text: string) => void = () => undefined;
  const text = new Promise<string>((resolve) => {
    release = resolve;
  });
  return { text, release: (value: string) => release(value) };
}

function appOf(answer: Promise<string> = Promise.resolve("")) {
  return new Hono()
    .get("/", (c) => c.text(`you are ${peerAddressOf(c)}`))
    .get("/held", async (c) => c.text(await answer))
    .get("/streamed", (c) =>
      streamText(c, async (stream) => {
        await stream.write("first\n");
        await stream.write(await answer);
      }),
    )
    .post("/body", async (c) => c.text(`got ${await c.req.text()}`))
    .onError((_error, c) => c.text("", 400));
}

async function start(
  app = appOf(),
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer & { talk(text?: string | Buffer): Wire }> {
  const server = await startHttpServer(app, {
    host: "127.0.0.1",
    port: 0,
    logger: openLogger("silent", { forPeople: false }),
    onFailure: () => undefined,
    ...options,
  });
  servers.push(server);
  return {
    ...server,
    talk(text) {
      const wire = openWire(server.url, text);
      wires.push(wire);
      return wire;
    },
  };
}

const GET = ["GET / HTTP/1.1", "host: x"];
const POST = ["POST /body HTTP/1.1", "host: x"];
const LAST = "connection: close";

describe("a request that arrives too slowly is cut off", () => {
  test.each([
    ["nothing at all", ""],
    ["half of the headers", "GET / HTTP/1.1\r\nhost: x\r\n"],
    ["half of a body", requestText([...POST, "content-length: 10"], "12345")],
    ["a chunked body without its end", requestText([...POST, "transfer-encoding: chunked"], "1\r\na\r\n")],
  ])("%s", async (_, text) => {
    const limits = { headersMsMax: 100, requestMsMax: 150, checkEveryMs: 20 };
    const server = await start(appOf(), { limits });
    const answer = await server.talk(text).ended();
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
    expect((await fetch(server.url)).status).toBe(200);
  });
});

describe("what is not a valid request", () => {
  test.each([
    ["bytes of TLS", 400, Buffer.from("160301000501020304050a0a", "hex")],
    ["another protocol", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["an unknown method", 400, requestText(["TRACK / HTTP/1.1", "host: x"])],
    ["a tunnel", 405, requestText(["CONNECT example.com:443 HTTP/1.1", "host: x"])],
    ["no path", 400, requestText(["OPTIONS * HTTP/1.1", "host: x", LAST])],
    ["an address without a host", 400, requestText(["GET http:// HTTP/1.1", "host: x", LAST])],
    ["an invalid host", 400, requestText(["GET / HTTP/1.1", "host: a b", LAST])],
    ["a host with a path", 400, requestText(["GET / HTTP/1.1", "host: a/b", LAST])],
    ["headers beyond 16 kB", 431, requestText([...GET, `a: ${"x".repeat(17_000)}`])],
    ["an address beyond 16 kB", 431, requestText([`GET /${"x".repeat(17_000)} HTTP/1.1`, "host: x"])],
    ["two lengths", 400, requestText([...POST, "content-length: 1", "transfer-encoding: chunked"], "a")],
    ["an invalid chunk", 400, requestText([...POST, "transfer-encoding: chunked"], "zz\r\n")],
    ["a control character", 400, requestText([...GET, "a: b\0c"])],
  ])("%s", async (_, status, text) => {
    const server = await start();
    const answer = await server.talk(text).ended();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head.toLowerCase()).toContain("content-type: application/problem+json");
    expect(JSON.parse(body)).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) });
    expect((await fetch(server.url)).status).toBe(200);
  });

  test.each([
    ["an offer to change the protocol", 200, [...GET, "connection: upgrade, close", "upgrade: websocket"]],
    ["a client of HTTP/1.0 without a host", 200, ["GET / HTTP/1.0"]],
    ["a TRACE", 404, ["TRACE / HTTP/1.1", "host: x", LAST]],
    ["a method without a route", 404, ["PROPFIND / HTTP/1.1", "host: x", LAST]],
  ])("%s is answered by the app", async (_, status, lines) => {
    const server = await start();
    expect(await server.talk(requestText(lines)).ended()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test("garbage after a request does not get into its answer", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const wire = server.talk(requestText(["GET /streamed HTTP/1.1", "host: x"]));
    await vi.waitFor(() => expect(wire.received()).toContain("first"));
    wire.socket.write("\0\0garbage\r\n\r\n");
    const answer = await wire.ended();
    release("second");
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect(answer).not.toContain("400");
  });
});

describe("stopping", () => {
  test("finishes requests in progress, also one whose body is still arriving, and accepts no new ones", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const waiting = server.talk(requestText(["GET /held HTTP/1.1", "host: x"]));
    const sending = server.talk(requestText([...POST, "expect: 100-continue", "content-length: 4"]));
    await vi.waitFor(() => expect(sending.received()).toContain("100 Continue"));

    const stopped = server.stop(20_000);
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
    sending.socket.write("body");
    expect(await sending.ended()).toMatch(/connection: close[^]*got body$/i);
    release("done");
    expect(await waiting.ended()).toMatch(/connection: close[^]*done$/i);
    expect(await stopped).toBe("finished");
  });

  test("does not wait for idle connections", async () => {
    const server = await start();
    const idle = server.talk(requestText(GET));
    await vi.waitFor(() => expect(idle.received()).toContain("you are 127.0.0.1"));
    const silent = server.talk();
    await once(silent.socket, "connect");
    // Answered on a connection opened later, so the server knows of the silent one.
    await fetch(server.url, { headers: { connection: "close" } });
    expect(await server.stop(600_000)).toBe("finished");
    expect(await silent.ended()).toBe("");
  });

  test("finishes an answer that has begun, and closes its connection", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const streamed = server.talk(requestText(["GET /streamed HTTP/1.1", "host: x"]));
    await vi.waitFor(() => expect(streamed.received()).toContain("first"));
    const stopped = server.stop(20_000);
    release("second");
    expect(await streamed.ended()).toMatch(/first[^]*second[^]*0\r\n\r\n$/);
    expect(await stopped).toBe("finished");
  });

  test("cuts off what has not finished in time", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const streamed = server.talk(requestText(["GET /streamed HTTP/1.1", "host: x"]));
    await vi.waitFor(() => expect(streamed.received()).toContain("first"));
    expect(await server.stop(50)).toBe("cut_off");
    expect(await streamed.ended()).not.toMatch(/0\r\n\r\n$/);
    release("");
  });
});

describe("listening", () => {
  test("a port in use is reported with its variable and what to do", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, "127.0.0.1", resolve);
    });
    const address = other.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    try {
      const starting = start(appOf(), { port });
      await expect(starting).rejects.toThrow(MisconfigurationError);
      await expect(starting).rejects.toThrow(
        `HTTP_PORT: port ${port} of 127.0.0.1 is in use by another process`,
      );
    } finally {
      other.close();
    }
  });

  test("an address of another machine is reported with its variable", async () => {
    const starting = start(appOf(), { host: "192.0.2.1" });
    await expect(starting).rejects.toThrow(MisconfigurationError);
    await expect(starting).rejects.toThrow("HTTP_HOST: 192.0.2.1 is not an address of this machine");
  });

  test("on all addresses the URL has localhost", async () => {
    const server = await start(appOf(), { host: "0.0.0.0" });
    expect(server.url).toMatch(/^http:\/\/localhost:\d+$/);
    expect((await fetch(server.url)).status).toBe(200);
  });

  test("connections above the maximum are refused, which is reported, and the others are served", async () => {
    const onFailure = vi.fn();
    const server = await start(appOf(), { onFailure, limits: { connectionsMax: 2 } });
    const first = server.talk();
    const second = server.talk();
    await Promise.all([first, second].map(async ({ socket }) => once(socket, "connect")));
    expect(await server.talk(requestText(GET)).ended()).toBe("");
    expect(onFailure).toHaveBeenCalledWith(
      expect.objectContaining({ message: expect.stringContaining("2") }),
    );
    first.socket.write(requestText(GET));
    await vi.waitFor(() => expect(first.received()).toContain("200 OK"));
  });

  test("peers that use every connection and read no answers do not keep others out", async () => {
    const onFailure = vi.fn();
    const endless = new Hono()
      .get("/", (c) => c.text("here"))
      .get("/endless", (c) =>
        c.body(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })),
      );
    const server = await start(endless, { onFailure, limits: { connectionsMax: 4, stalledMsMax: 250 } });
    for (let n = 0; n < 4; n += 1) {
      const { socket } = server.talk(requestText(["GET /endless HTTP/1.1", "host: x"]));
      socket.pause();
      await once(socket, "connect");
    }
    expect(await server.talk(requestText(GET)).ended()).toBe("");
    expect(onFailure).toHaveBeenCalled();
    await vi.waitFor(async () => expect((await fetch(server.url)).status).toBe(200), 10_000);
  });
});
