import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { afterEach } from "vitest";
import {
  peerAddressOf,
  startHttpServer,
  type HttpHandler,
  type HttpServer,
  type HttpServerOptions,
} from "../../../../runner/http/server/server.ts";
import { openLogger } from "../../../../runner/telemetry/logger.ts";
import { openWire, type Wire } from "../wire.ts";

/** A server with a small app, and connections to it, which each test closes at its end. */

const servers: HttpServer[] = [];
const wires: Wire[] = [];

afterEach(async () => {
  for (const { socket } of wires.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map(async (server) => server.stop({ msMax: 0 })));
});

/** A text that is part of an answer, once the test releases it. */
export function held() {
  let release: (text: string) => void = () => undefined;
  const text = new Promise<string>((resolve) => {
    release = resolve;
  });
  return { text, release: (value: string) => release(value) };
}

export function appOf(answer: Promise<string> = Promise.resolve("")) {
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

export async function start(
  app: HttpHandler = appOf(),
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer & { talk(text?: string | Buffer): Wire }> {
  const server = await startHttpServer(app, {
    host: "127.0.0.1",
    port: 0,
    logger: openLogger("silent", { forPeople: false }),
    onFailure: () => undefined,
    onCrowded: () => undefined,
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

export const GET = ["GET / HTTP/1.1", "host: x"];
export const POST = ["POST /body HTTP/1.1", "host: x"];
