import { messageOf } from "../../shared/error-message.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { tailResults } from "../../shared/io/streams/results-tail.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import type { SignalRecord } from "../../shared/records.ts";
import { shadowRefusal, TAKES_NO_SIGNALS } from "../engine/shadow-refused.ts";
import { decisionText } from "../telemetry/decision-text.ts";
import { CliError, type Connection } from "./connection.ts";

/** `cli send`: adds one signal to `signals_stream`, waits for its decision and prints it with every outcome. */
export async function send(
  { redisUrl, redis, keys, confirm }: Connection,
  options: SendOptions,
): Promise<void> {
  if (keys.suffix !== "") {
    throw new CliError(
      `${shadowRefusal(TAKES_NO_SIGNALS)}. Send it without GROUP_SUFFIX: both routers decide it`,
    );
  }
  const reader = openRedis({
    url: redisUrl,
    key: keys.stream("signals_stream"),
    role: "blocking",
    name: "cli:results",
    blockMs: 500,
    // A broken connection also rejects the read in flight.
    onError: () => undefined,
  });
  try {
    const tail = await tailResults(reader, { keys, countMax: 500, blockMs: 500 });
    // By Redis' clock: with this machine's, which may be wrong, the signal could seem too old.
    const fields = fieldsOfSignal(options, await readTime(redis));
    const entryId = await redis.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fields).flat());
    if (entryId === null) throw new CliError("Redis returned no id for the signal: it was not added");
    await confirm().catch((error: unknown) => {
      throw new CliError(
        `the signal was added, but too few replicas have it: ${messageOf(error)}. A fail-over now could lose it; send it again with --bar-time ${fields.bar_time}: of both only one is traded`,
      );
    });
    console.log(`${entryId}  sent`);
    const until = performance.now() + options.wait * 1_000;
    while (performance.now() < until) {
      for (const entry of await tail.next()) {
        const record = decisionOf(entry, entryId);
        if (record !== undefined) {
          console.log(decisionText(entryId, record));
          return;
        }
      }
    }
    throw new CliError(
      `no decision within ${options.wait} s. The signal is stored in ${keys.stream("signals_stream")}; check with \`npm run cli -- status\` that a router is running`,
    );
  } finally {
    reader.disconnect();
  }
}

export interface SendOptions {
  readonly symbol: string;
  readonly message: string;
  /** Default: the start of the current minute. */
  readonly barTime?: string;
  readonly sentAt?: string;
  readonly source: string;
  readonly uid?: string;
  /** Longest wait for the decision, in seconds. */
  readonly wait: number;
}

function fieldsOfSignal(options: SendOptions, now: number) {
  return {
    message: options.message,
    symbol: options.symbol,
    bar_time: options.barTime ?? new Date(now - (now % 60_000)).toISOString(),
    sent_at: options.sentAt ?? new Date(now).toISOString(),
    source: options.source,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  };
}

function decisionOf(entry: Parameters<typeof logRowsOf>[0], entryId: string): SignalRecord | undefined {
  if (entry.fields["entry_id"] !== entryId) return undefined;
  const parsed = logRowsOf(entry, "signal_results");
  return parsed.ok ? parsed.rows.signals[0]?.record : undefined;
}
