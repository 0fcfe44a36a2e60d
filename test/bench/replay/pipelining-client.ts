import { once } from "node:events";
import { connect } from "node:net";
import { readValue, type RespValue } from "./resp.ts";

/**
 * Sends commands unchanged over one connection, up to `inFlightMax` unanswered at a time, and does nothing else that
 * takes time. @throws Error when the connection closes before the last reply
 */
export async function sendPipelined(
  port: number,
  commands: readonly Buffer[],
  { inFlightMax }: { inFlightMax: number },
): Promise<Pipelined> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.setNoDelay(true);
  const replies: RespValue[] = [];
  const startedAt = performance.now();
  try {
    await new Promise<void>((resolve, reject) => {
      let sent = 0;
      let unread: Buffer = Buffer.alloc(0);

      function sendMore(): void {
        for (const command of commands.slice(sent, replies.length + inFlightMax)) socket.write(command);
        sent = Math.max(sent, Math.min(commands.length, replies.length + inFlightMax));
      }

      socket.on("error", reject);
      socket.on("close", () =>
        reject(new Error(`connection closed after ${replies.length} of ${commands.length} replies`)),
      );
      socket.on("data", (chunk: Buffer) => {
        unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
        let at = 0;
        for (let read = readValue(unread, at); read !== undefined; read = readValue(unread, at)) {
          replies.push(read.value);
          at = read.next;
        }
        unread = unread.subarray(at);
        if (replies.length === commands.length) resolve();
        else sendMore();
      });
      sendMore();
    });
    return { seconds: (performance.now() - startedAt) / 1000, replies };
  } finally {
    socket.destroy();
  }
}

export interface Pipelined {
  /** First command written to last reply read. */
  readonly seconds: number;
  /** In the order of the commands. */
  readonly replies: readonly RespValue[];
}
