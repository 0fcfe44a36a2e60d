import { connect } from "node:net";
import { WebSocketServer, createWebSocketStream } from "ws";

/** A WebSocket server in front of one Postgres, with the protocol of Neon's proxy. */
export interface NeonBridge {
  /** Value of NEON_WS_PROXY. */
  readonly proxy: string;
  stop(): Promise<void>;
}

/** Starts a bridge that pipes every WebSocket to a TCP connection to `port` of 127.0.0.1. */
export async function startNeonBridge(port: number): Promise<NeonBridge> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    const stream = createWebSocketStream(socket);
    const tcp = connect(port, "127.0.0.1");
    // When one side closes, the other one is closed as well.
    stream.on("error", () => tcp.destroy());
    tcp.on("error", () => socket.terminate());
    tcp.on("close", () => socket.close());
    stream.pipe(tcp).pipe(stream);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the bridge has no port");
  return {
    proxy: `ws://127.0.0.1:${address.port}/v2`,
    async stop() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
