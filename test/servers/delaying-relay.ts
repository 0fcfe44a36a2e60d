import { connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a server that is far away. */
export interface DelayingRelay {
  readonly port: number;
  /** Times that something was sent while nothing of that connection was on its way: about the round trips that were waited for. */
  readonly roundTrips: () => number;
  stop(): Promise<void>;
}

/** Starts a relay on 127.0.0.1 to `target`, a port of the same host; what is sent arrives after `delayMs`, and so do the answers. */
export async function startDelayingRelay(
  target: number,
  { delayMs }: { delayMs: number },
): Promise<DelayingRelay> {
  const sockets = new Set<Socket>();
  let roundTrips = 0;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    track(near);
    track(far);
    let isAnswered = true;
    near.on("data", (sent) => {
      if (isAnswered) roundTrips += 1;
      isAnswered = false;
      setTimeout(() => far.write(sent), delayMs);
    });
    far.on("data", (answer) => {
      setTimeout(() => {
        isAnswered = true;
        near.write(answer);
      }, delayMs);
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    port: address.port,
    roundTrips: () => roundTrips,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
