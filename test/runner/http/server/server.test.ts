import { once } from "node:events";
import { createServer } from "node:net";
import { Hono } from "hono";
import { describe, expect, test, vi } from "vitest";
import { MisconfigurationError } from "../../../../runner/environment.ts";
import { requestText } from "../wire.ts";
import { appOf, GET, held, POST, start } from "./server-fixture.ts";

describe("stopping", () => {
  test("finishes requests in progress, also one whose body is still arriving, and accepts no new ones", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const waiting = server.talk(requestText(["GET /held HTTP/1.1", "host: x"]));
    const sending = server.talk(requestText([...POST, "expect: 100-continue", "content-length: 4"]));
    await vi.waitFor(() => expect(sending.received()).toContain("100 Continue"));

    const stopped = server.stop({ msMax: 20_000 });
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
    expect(await server.stop({ msMax: 600_000 })).toBe("finished");
    expect(await silent.ended()).toBe("");
  });

  test("finishes an answer that has begun, and closes its connection", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const streamed = server.talk(requestText(["GET /streamed HTTP/1.1", "host: x"]));
    await vi.waitFor(() => expect(streamed.received()).toContain("first"));
    const stopped = server.stop({ msMax: 20_000 });
    release("second");
    expect(await streamed.ended()).toMatch(/first[^]*second[^]*0\r\n\r\n$/);
    expect(await stopped).toBe("finished");
  });

  test("cuts off what has not finished in time", async () => {
    const { text, release } = held();
    const server = await start(appOf(text));
    const streamed = server.talk(requestText(["GET /streamed HTTP/1.1", "host: x"]));
    await vi.waitFor(() => expect(streamed.received()).toContain("first"));
    expect(await server.stop({ msMax: 50 })).toBe("cut_off");
    expect(await streamed.ended()).not.toMatch(/0\r\n\r\n$/);
    release("");
  });
});

describe("listening", () => {
  test("answers a GET whole, whatever body comes with it", async () => {
    const answer = "x".repeat(1_000_000);
    const app = new Hono().get("/", (c) => c.text(answer));
    const server = await start(app);
    const body = " ".repeat(262_144);
    const head = ["GET / HTTP/1.1", "host: x", "connection: close", `content-length: ${body.length}`];
    const wire = server.talk(requestText(head, body));
    expect((await wire.ended()).split("\r\n\r\n", 2)[1]).toHaveLength(answer.length);
  });

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
});
