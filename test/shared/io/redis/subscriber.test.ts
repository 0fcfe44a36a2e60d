import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { openRedis } from "../../../../shared/io/redis/connection.ts";
import { redisUrl } from "../../../servers/fixtures.ts";

/** A proxy to Redis that breaks the connection on every SUBSCRIBE, while `breaks` gives true. */
async function fragileProxy(breaks: () => boolean) {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(new URL(redisUrl()).port), "127.0.0.1");
    sockets.push(near);
    for (const socket of [near, far]) socket.on("error", () => socket.destroy());
    near.on("data", (sent) => {
      if (breaks() && /subscribe/i.test(sent.toString())) near.destroy();
      else far.write(sent);
    });
    near.on("close", () => far.destroy());
    far.pipe(near);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    cut,
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a subscriber's connection", () => {
  test("may break while it subscribes again, and the process continues", async () => {
    let broken = false;
    const proxy = await fragileProxy(() => broken);
    const redis = openRedis({
      key: "test",
      url: proxy.url,
      role: "subscriber",
      name: "test",
      onError: () => undefined,
    });
    let subscribed = 0;
    let refused = 0;
    redis.on("ready", () => {
      redis.subscribe("channel").then(
        () => (subscribed += 1),
        () => (refused += 1),
      );
    });
    await vi.waitFor(() => expect(subscribed).toBe(1), 5_000);
    broken = true;
    proxy.cut();
    // An unhandled rejection, as ioredis' own subscription causes it, fails the run.
    await vi.waitFor(() => expect(refused).toBeGreaterThan(2), 10_000);
    broken = false;
    await vi.waitFor(() => expect(subscribed).toBe(2), 5_000);
    redis.disconnect();
    await proxy.stop();
  });
});
