import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { watchConnections } from "../../../../runner/http/server/connections.ts";
import { requestText } from "../wire.ts";

/** Larger than the buffers between two sockets, and sent in one write. */
const LONG = Buffer.alloc(256 * 1024 * 1024);

const servers: Server[] = [];
const peers: Socket[] = [];

afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy();
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener, { stalledMsMax = 100, keepAliveTimeout = 60_000 } = {}) {
  const server = createServer({ keepAliveTimeout });
  servers.push(server);
  const connections = watchConnections(server, {
    connectionsMax: 100,
    stalledMsMax,
    onFull: () => undefined,
  });
  server.on("request", (request, answer) => {
    if (connections.admit(request, answer)) listener(request, answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  /** A peer that has sent this text and reads only on demand, with the server's end of the connection. */
  const peer = async (text: string): Promise<{ near: Socket; far: Socket }> => {
    const near = connect(port, "127.0.0.1").pause();
    near.on("error", () => undefined);
    peers.push(near);
    const far = new Promise<Socket>((resolve) => {
      server.on("connection", (socket) => {
        if (socket.remotePort === near.localPort) resolve(socket);
      });
    });
    await once(near, "connect");
    near.write(text);
    return { near, far: await far };
  };
  return { url: `http://127.0.0.1:${port}`, peer };
}

function get(path: string, count = 1): string {
  return requestText([`GET ${path} HTTP/1.1`, "host: x"]).repeat(count);
}

test("a peer that does not read is cut off; one that reads slowly and one that waits for its answer are not", async () => {
  let release: () => void = () => undefined;
  const answers: RequestListener = ({ url: path }, answer) => {
    if (path === "/held") release = () => answer.end("done");
    else if (path === "/endless") answer.on("drain", () => answer.write(LONG)).write(LONG);
    else answer.end("short");
  };
  // Several times longer than the slow peer takes to make room, which the system reports only by the megabyte.
  const { url, peer } = await serve(answers, { stalledMsMax: 600 });
  const slow = await peer(get("/endless"));
  const silent = await peer(get("/held"));
  const kept = await peer(get("/short"));

  let isEnough = false;
  const slowly = (async () => {
    for await (const _ of slow.near) {
      if (isEnough) return "still sent to";
      // Another request in between slows it down.
      await (await fetch(url)).text();
    }
    return "over";
  })();
  // Two in a row, so that a peer cut off even as late as the first of them is noticed.
  for (const path of ["/endless", "/endless"]) {
    const { far } = await peer(get(path));
    await once(far, "close");
  }
  expect([slow, silent, kept].map(({ far }) => far.destroyed)).toEqual([false, false, false]);
  expect(slow.far.writableLength).toBeGreaterThan(0);
  isEnough = true;
  expect(await slowly).toBe("still sent to");
  release();
  expect(String(await once(silent.near.resume(), "data"))).toMatch(/done$/);
});

test("a peer that sends many requests and reads no answer is cut off", async () => {
  const { peer } = await serve((_, answer) => answer.end(LONG.subarray(0, 16_384)));
  const { far } = await peer(get("/", 2_000));
  await once(far, "close");
  expect(far.bytesWritten).toBeLessThan(2_000 * 16_384);
});

test("a peer that stops reading after a long wait for its answer is cut off", async () => {
  let release: () => void = () => undefined;
  const { peer } = await serve(({ url: path }, answer) => {
    if (path === "/held") release = () => answer.end(LONG);
    else answer.end(LONG);
  });
  const late = await peer(get("/held"));
  await once((await peer(get("/"))).far, "close");
  expect(late.far.destroyed).toBe(false);
  release();
  await once(late.far, "close");
});

test("an idle connection is closed after keepAliveTimeout", async () => {
  const { peer } = await serve((_, answer) => answer.end("short"), { keepAliveTimeout: 50 });
  const { near } = await peer(get("/"));
  await once(near.resume(), "end");
});
