import { connect, type Socket } from "node:net";

/** A connection spoken to byte by byte, for what no HTTP client would send. */
export interface Wire {
  readonly socket: Socket;
  /** Everything that has come back so far. */
  received(): string;
  /** Resolves with everything that came back once the connection is over. */
  ended(): Promise<string>;
}

/** Connects to an address such as `http://127.0.0.1:8080` and sends the text. */
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
    // A connection that is reset is over as well.
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(received));
  });
  return { socket, received: () => received, ended: async () => ended };
}

/** The lines of a request, and its body, as they stand on the wire. */
export function requestText(lines: readonly string[], body = ""): string {
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}
