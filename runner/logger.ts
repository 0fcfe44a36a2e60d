import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

/** The process log on standard output: JSON lines, or text for people when that is a terminal. */
export function openLogger(level: string, { forPeople }: { readonly forPeople: boolean }): Logger {
  const options = { level, base: null };
  if (!forPeople) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime });
  const stream = pretty({
    colorize: process.stdout.isTTY,
    ignore: "source",
    messageFormat: "{source} {msg}",
    sync: true,
  });
  return pino(options, stream);
}
