import { connect, createServer, type Socket } from "node:net";

/** A TCP relay in front of a server whose network can be made to fail. */
export interface Relay {
  readonly port: number;
  /** From now on nothing passes in either direction, and connections stay open, as with a frozen server. */
  freeze(): void;
  /** Nothing passes on the open connections, which stay open; new ones work, as after a firewall lost its state. */
  silence(): void;
  /** Resets every connection and ends a freeze and a hole; new connections work. */
  cut(): void;
  /** From now on nothing passes in this direction; connections stay open, and what is sent waits. */
  openHole(direction: Direction): void;
  /** Everything passes again, also what has waited. */
  closeHole(): void;
  /** Nothing passes any more on one connection, which stays open; it is named by its port as the server sees it, in CLIENT LIST. */
  hang(port: number): void;
  /** Drops the server's next answer and resets its connection. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

export type Direction = "requests" | "answers";

/** Starts a relay on 127.0.0.1 to `target`, a port of the same host. */
export async function startRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const pairs = new Set<Pair>();
  let frozen = false;
  let hole: Direction | undefined;
  let losing = false;
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
    const pair = { near, far };
    pairs.add(pair);
    near.pipe(far);
    far.on("data", (answer) => {
      if (losing) near.resetAndDestroy();
      else if (!near.write(answer)) far.pause();
      losing = false;
    });
    near.on("drain", () => {
      if (hole !== "answers" && !frozen) far.resume();
    });
    far.on("end", () => near.end());
    hold(pair);
    near.on("close", () => {
      pairs.delete(pair);
      far.destroy();
    });
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  /** What is sent into the hole stays with its sender, or in the buffers of this machine. */
  function hold({ near, far }: Pair): void {
    if (hole === "requests") near.unpipe(far).pause();
    if (hole === "answers") far.pause();
  }
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
      hole = undefined;
      cut();
    },
    openHole(direction) {
      hole = direction;
      for (const pair of pairs) hold(pair);
    },
    closeHole() {
      hole = undefined;
      for (const { near, far } of pairs) {
        near.unpipe(far).pipe(far);
        far.resume();
      }
    },
    hang(port) {
      for (const { near, far } of pairs) {
        if (far.localPort !== port) continue;
        near.unpipe(far).pause();
        far.pause();
      }
    },
    loseNextAnswer() {
      losing = true;
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client's connection, and the relay's own to the server. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}
