import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of a server that can lose an answer on the wire. */
export interface LossyProxy {
  readonly port: number;
  /** Throws the server's next answer away and resets the connection it was for; resolves when that has happened. */
  loseNextAnswer(): Promise<void>;
  stop(): Promise<void>;
}

/** Passes connections to 127.0.0.1 on to `target`, a port of the same host. */
export async function startLossyProxy(target: number): Promise<LossyProxy> {
  const sockets = new Set<Socket>();
  let lost: (() => void) | undefined;
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
      if (lost === undefined) {
        near.write(answer);
        return;
      }
      near.resetAndDestroy();
      lost();
      lost = undefined;
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy got no port");
  return {
    port: address.port,
    loseNextAnswer: () =>
      new Promise((resolve) => {
        lost = resolve;
      }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
