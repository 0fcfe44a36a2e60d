import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of a server that can lose a reply on the wire. */
export interface LossyProxy {
  readonly port: number;
  /** Drops the server's next reply and resets its connection. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

/** Starts a proxy on 127.0.0.1 to `target`, a port of the same host. */
export async function startLossyProxy(target: number): Promise<LossyProxy> {
  const sockets = new Set<Socket>();
  let losing = false;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    track(near);
    track(far);
    near.pipe(far);
    far.on("data", (answer) => {
      if (losing) near.resetAndDestroy();
      else near.write(answer);
      losing = false;
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    port: address.port,
    loseNextAnswer() {
      losing = true;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
