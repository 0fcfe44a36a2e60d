import { connect, type Socket } from "node:net";

/** Opens a connection to a URL and sends the text, for bytes that no HTTP client would send. */
export function openWire(url: string, text: string | Buffer = ""): Wire {
  const { hostname, port } = new URL(url);
  let received = "";
  const socket = connect(Number(port), hostname, () => {
    if (text.length > 0) socket.write(text);
  });
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  const ended = new Promise<string>((resolve) => {
    // A reset connection has ended too.
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(received));
  });
  return { socket, received: () => received, ended: async () => ended };
}

export interface Wire {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): string;
  /** Resolves with everything received when the connection has ended. */
  ended(): Promise<string>;
}

/** A request of these lines and this body, as it is sent. */
export function requestText(lines: readonly string[], body = ""): string {
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
