import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP relay between clients and a server that records what the clients send. */
export interface RecordingRelay {
  readonly port: number;
  /** The bytes sent so far, one buffer per connection. */
  recorded(): Buffer[];
  /** Closes all connections. */
  close(): void;
}

/** Starts a relay on a free port of 127.0.0.1 to a server on `serverPort`. */
export async function startRecordingRelay(serverPort: number): Promise<RecordingRelay> {
  const recordings: Buffer[][] = [];
  const sockets = new Set<Socket>();

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    from.setNoDelay(true);
    from.pipe(to);
    // So both sides close together; an error is followed by `close`.
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
