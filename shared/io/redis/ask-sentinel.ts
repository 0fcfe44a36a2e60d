import type { RedisAddress } from "../../config/redis-url.ts";
import { answerOf, withServer, type Login, type Server } from "./ask-server.ts";

/** Asks one Sentinel which server it takes for the primary. @throws Error when it cannot be reached, or is no Sentinel */
export async function askSentinel(
  sentinel: Server,
  login: Login,
  { masterName, signal }: { readonly masterName: string; readonly signal: AbortSignal },
): Promise<SentinelAnswer> {
  const [address, about, all] = await withServer(sentinel, login, signal, async (redis) =>
    Promise.all([
      answerOf(redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)),
      answerOf(redis.call("SENTINEL", "MASTER", masterName)),
      answerOf(redis.call("SENTINEL", "MASTERS")),
    ]),
  );
  if (address instanceof Error) throw address;
  if (!Array.isArray(address)) return { sentinel, knows: namesIn(all) };
  const [host, port] = address.map(String);
  return {
    sentinel,
    primary: { host: host ?? "", port: Number(port) },
    epoch: Number(fieldOf(about, "config-epoch") ?? 0),
  };
}

/** `knows`: it has no such name, but these. `epoch` is higher after each fail-over. */
export type SentinelAnswer =
  | { readonly sentinel: Server; readonly primary: RedisAddress; readonly epoch: number }
  | { readonly sentinel: Server; readonly primary?: undefined; readonly knows: readonly string[] };

function namesIn(masters: unknown): readonly string[] {
  return Array.isArray(masters) ? masters.flatMap((one) => fieldOf(one, "name") ?? []) : [];
}

function fieldOf(flat: unknown, name: string): string | undefined {
  const at = Array.isArray(flat) ? flat.indexOf(name) : -1;
  return Array.isArray(flat) && at >= 0 ? String(flat[at + 1]) : undefined;
}
