import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Stands between clients and a server, and keeps what the clients send. */
export interface RecordingRelay {
  readonly port: number;
  /** What has been sent so far, connection by connection. */
  recorded(): Buffer[];
  /** Cuts all connections. */
  close(): void;
}

/** Starts one on a free port of 127.0.0.1, in front of the given one. */
export async function startRecordingRelay(serverPort: number): Promise<RecordingRelay> {
  const recordings: Buffer[][] = [];
  const sockets = new Set<Socket>();

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    from.setNoDelay(true);
    from.pipe(to);
    // The other side learns of every end this way; an error is followed by `close`.
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  const relay = createServer((client) => {
    const server = connect(serverPort, "127.0.0.1");
    const chunks: Buffer[] = [];
    recordings.push(chunks);
    client.on("data", (chunk: Buffer) => chunks.push(chunk));
    join(client, server);
    join(server, client);
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  return {
    port: (relay.address() as AddressInfo).port,
    recorded: () => recordings.map((chunks) => Buffer.concat(chunks)),
    close() {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
