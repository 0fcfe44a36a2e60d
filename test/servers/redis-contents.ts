import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Redis } from "ioredis";
import { fieldsOf, type Entry, type Fields } from "../../shared/entry.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { redisUrl } from "./fixtures.ts";

/** A connection to the Redis of the test run; an error on it fails the run. */
export function connectRedis(url = redisUrl()): Redis {
  return openRedis({
    key: "test",
    url,
    role: "commands",
    name: "test",
    onError(error) {
      throw error;
    },
  });
}

/** Everything under the prefix, pending entries included: for each key its serialised value and its expiry time. */
export async function contentsOf(redis: Redis, prefix: string): Promise<Record<string, string>> {
  const names = (await redis.keys(`${prefix}*`)).toSorted();
  const contents: Record<string, string> = {};
  for (const name of names) {
    const [value, expiresAt] = await Promise.all([redis.dumpBuffer(name), redis.pexpiretime(name)]);
    contents[name.slice(prefix.length)] = `${value?.toString("base64")} expires ${expiresAt}`;
  }
  return contents;
}

/** All entries of a stream. */
export async function entriesIn(redis: Redis, key: string): Promise<Entry[]> {
  const entries = await redis.xrange(key, "-", "+");
  return entries.map(([id, flat]) => ({ id, fields: fieldsOf(flat) }));
}

/** The fields of all entries of a stream. */
export async function fieldsIn(redis: Redis, key: string): Promise<Fields[]> {
  return (await entriesIn(redis, key)).map(({ fields }) => fields);
}

/** Adds entries `{ n: "0" }`, `{ n: "1" }`, … to a stream; returns their ids. */
export async function addEntries(redis: Redis, key: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await redis.xadd(key, "*", "n", n)) ?? "");
  return ids;
}

/** How often scripts accessed keys during a call, and which keys they accessed without declaring them. */
export interface ScriptAccess {
  readonly touched: number;
  readonly undeclared: readonly string[];
}

/** Records by MONITOR which keys under `prefix` scripts access during `act`, and compares them with their KEYS. */
export async function scriptAccess(
  redis: Redis,
  prefix: string,
  act: () => Promise<unknown>,
): Promise<ScriptAccess> {
  const { host = "127.0.0.1", port = 6379 } = redis.options;
  const lines: MonitorLine[] = [];
  const end = `${prefix}end`;
  const monitor = await openMonitor({ host, port });
  const watched = (async () => {
    for await (const line of monitor.lines) {
      if (line.args[1] === end) return;
      if (line.args.some((arg) => arg.includes(prefix))) lines.push(line);
    }
  })();
  await act();
  await redis.exists(end);
  await watched;
  monitor.close();

  let declared: readonly string[] = [];
  let touched = 0;
  const undeclared: string[] = [];
  for (const { args, source } of lines) {
    const [command = "", ...rest] = args;
    if (/^eval/i.test(command)) declared = rest.slice(2, 2 + Number(rest[1]));
    if (source !== "lua") continue;
    const keys = (await redis.call("COMMAND", "GETKEYS", command, ...rest)) as string[];
    touched += keys.length;
    undeclared.push(...keys.filter((key) => !declared.includes(key)).map((key) => `${command} ${key}`));
  }
  return { touched, undeclared };
}

interface MonitorLine {
  readonly args: readonly string[];
  /** Address of the client, or `lua`. */
  readonly source: string;
}

/** MONITOR over a plain socket: that of ioredis fails when other commands arrive together with the first reply. */
async function openMonitor(address: {
  readonly host: string;
  readonly port: number;
}): Promise<{ readonly lines: AsyncIterable<MonitorLine>; close(): void }> {
  const socket = connect(address);
  const texts = createInterface({ input: socket })[Symbol.asyncIterator]();
  socket.write("MONITOR\r\n");
  const first = await texts.next();
  if (first.value !== "+OK") throw new Error(`MONITOR: expected the reply +OK, got ${String(first.value)}`);
  return {
    lines: (async function* () {
      for (let text = await texts.next(); text.done !== true; text = await texts.next()) {
        const [, source = "", rest = ""] = /^\+\d+\.\d+ \[\d+ ([^\]]+)\] (.*)$/.exec(text.value) ?? [];
        const args = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, arg = ""]) => unescaped(arg));
        yield { source, args };
      }
    })(),
    close: () => socket.destroy(),
  };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(x([0-9a-f]{2})|.)/g, (_, escape: string, hex?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return { n: "\n", r: "\r", t: "\t" }[escape] ?? escape;
  });
}
