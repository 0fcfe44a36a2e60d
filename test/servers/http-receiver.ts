import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach } from "vitest";

/** A real HTTP server on this machine that records its requests. */
export interface Receiver {
  readonly port: number;
  /** Without a slash at the end. */
  readonly url: string;
  readonly deliveries: readonly Delivery[];
  /** Number of open connections, and of all connections so far. */
  readonly connections: () => { readonly open: number; readonly ever: number };
  close(): Promise<void>;
}

/** A request as it was received. */
export interface Delivery {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What it does with a request; `nth` counts those of a path from 1. */
type Behaviour = (response: ServerResponse, delivery: Delivery, nth: number) => void;

/** Gives a function that starts receivers, which are closed after each test of the file. */
export function useReceivers(): (behave: Behaviour) => Promise<Receiver> {
  const receivers: Receiver[] = [];
  afterEach(async () => {
    await Promise.all(receivers.splice(0).map(async (receiver) => receiver.close()));
  });
  return async (behave) => {
    const receiver = await startReceiver(behave);
    receivers.push(receiver);
    return receiver;
  };
}

/** Starts one that answers each request as `behave` does. */
export async function startReceiver(behave: Behaviour): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const count = { open: 0, ever: 0 };
  const server = createServer((request, response) => {
    const { method = "", url: path = "", headers } = request;
    text(request).then(
      (body) => {
        const delivery = { method, path, headers, body };
        deliveries.push(delivery);
        behave(response, delivery, deliveries.filter((each) => each.path === path).length);
      },
      // The sender has closed the connection within the request.
      () => response.destroy(),
    );
  });
  server.on("connection", (socket) => {
    count.open += 1;
    count.ever += 1;
    socket.once("close", () => (count.open -= 1));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    deliveries,
    connections: () => ({ ...count }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
