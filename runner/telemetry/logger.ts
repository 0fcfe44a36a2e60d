import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

/** The process log on standard output: JSON lines, or text for people. */
export function openLogger(level: string, { forPeople }: { readonly forPeople: boolean }): Logger {
  const options = { level, base: null, serializers: { err: withoutCommand } };
  if (!forPeople) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime });
  const stream = pretty({
    colorize: process.stdout.isTTY,
    ignore: "source",
    messageFormat: "{source} {msg}",
    sync: true,
  });
  return pino(options, stream);
}

/** Errors of ioredis contain the failed command with all arguments, such as AUTH with the password. */
function withoutCommand(error: Error): object {
  const { command: _, ...rest } = pino.stdSerializers.err(error) as Record<string, unknown>;
  return rest;
}
