import { connect } from "node:net";
import { WebSocketServer, createWebSocketStream } from "ws";

/** A WebSocket server in front of one Postgres, speaking as Neon's proxy does. */
export interface NeonBridge {
  /** For NEON_WS_PROXY. */
  readonly proxy: string;
  stop(): Promise<void>;
}

/** Pipes every WebSocket to a TCP connection to `port` of 127.0.0.1. */
export async function startNeonBridge(port: number): Promise<NeonBridge> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    const stream = createWebSocketStream(socket);
    const tcp = connect(port, "127.0.0.1");
    // Either side may vanish at any time; the other one is then ended, which is all a proxy can do.
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
  if (address === null || typeof address === "string") throw new Error("the bridge got no port");
  return {
    proxy: `ws://127.0.0.1:${address.port}/v2`,
    async stop() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
