import { format } from "node:util";
import type { Logger } from "pino";
import { printable } from "../../shared/text.ts";

/**
 * Leads everything that libraries and strategies print to the console, and the warnings of Node, into the log: a line in a form of
 * its own is lost in a log of JSON lines. Libraries repeat a line with every connection; here it is written once.
 */
export function logConsole(logger: Logger): void {
  const written = new Set<string>();
  const writes =
    (level: "debug" | "info" | "warn" | "error") =>
    (...args: unknown[]): void => {
      const text = format(...args);
      if (level !== "info" && written.has(text)) return;
      if (written.size < REMEMBERED_MAX) written.add(text);
      logger[level](text.split("\n").map(printable).join("\n"));
    };
  Object.assign(console, {
    debug: writes("debug"),
    log: writes("info"),
    info: writes("info"),
    warn: writes("warn"),
    error: writes("error"),
  });
  // The first listener is Node's own, which prints.
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message, stack }) => logger.warn({ name, stack }, printable(message)));
}

const REMEMBERED_MAX = 1_000;
