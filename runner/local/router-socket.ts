import { connect } from "node:net";
import { join, relative } from "node:path";

/** The Unix socket in the data folder on which a router answers its owner. */

export const SOCKET_FILE = "router.sock";

/** Longest path of a socket, in bytes: that of macOS; Linux takes four more, and Node may cut a longer one without a word. */
export const SOCKET_PATH_BYTES_MAX = 103;

/** Its path, from the working directory if only that is short enough; undefined when neither is. */
export function socketPath(dataDir: string, workingDir = process.cwd()): string | undefined {
  const path = join(dataDir, SOCKET_FILE);
  return [path, relative(workingDir, path)].find((one) => Buffer.byteLength(one) <= SOCKET_PATH_BYTES_MAX);
}

/** Whether a process listens on it: a file that a killed router has left refuses connections. */
export function isListeningOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(!isNotThere(error)));
  });
}

/** Whether an error of a connection means that no process listens there. */
export function isNotThere({ code }: NodeJS.ErrnoException): boolean {
  return code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTSOCK";
}
