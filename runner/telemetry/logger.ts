import pino, { type Logger } from "pino";
import pretty from "pino-pretty";
import { printable } from "../../shared/text.ts";

/** The process log on standard output: JSON lines, or text for people. */
export function openLogger(level: string, { forPeople }: { readonly forPeople: boolean }): Logger {
  const options = { level, base: null, serializers: { err: withoutCommand } };
  if (!forPeople) return pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime });
  const stream = pretty({
    colorize: process.stdout.isTTY,
    ignore: "source",
    messageFormat: messageForPeople,
    sync: true,
  });
  return pino(options, stream);
}

/** On one line without control characters: messages name what other programs have named. */
function messageForPeople(log: Readonly<Record<string, unknown>>, messageKey: string): string {
  const parts = [log["source"], log[messageKey]].filter((part) => part !== undefined);
  return parts.map(String).join(" ").split("\n").map(printable).join("\n    ");
}

/** Errors of ioredis contain the failed command with all arguments, such as AUTH with the password. */
function withoutCommand(error: Error): object {
  const { command: _, ...rest } = pino.stdSerializers.err(error) as Record<string, unknown>;
  return rest;
}
