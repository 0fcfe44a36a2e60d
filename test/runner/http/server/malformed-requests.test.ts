import { describe, expect, test, vi } from "vitest";
import { requestText } from "../wire.ts";
import { appOf, GET, held, POST, start } from "./server-fixture.ts";

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
