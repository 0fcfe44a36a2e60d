import { connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a server whose network can be made to fail. */
export interface Relay {
  readonly port: number;
  /** From now on nothing passes in either direction, and connections stay open, as with a frozen server. */
  freeze(): void;
  /** Nothing passes on the open connections, which stay open; new ones work, as after a firewall lost its state. */
  silence(): void;
  /** Resets every connection and ends a freeze; new connections work. */
  cut(): void;
  stop(): Promise<void>;
}

/** Starts a relay on 127.0.0.1 to `target`, a port of the same host. */
export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let frozen = false;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    track(near);
    if (frozen) return;
    const far = connect(target, "127.0.0.1");
    track(far);
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  const silence = (): void => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    freeze() {
      frozen = true;
      silence();
    },
    silence,
    cut() {
      frozen = false;
      cut();
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
