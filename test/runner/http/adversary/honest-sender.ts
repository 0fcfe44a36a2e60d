import { setTimeout as after } from "node:timers/promises";
import { z } from "zod";

/**
 * Sends honest alerts now and then, as TradingView does: on a connection of its own, with the secret in the path. It is a process of
 * its own, so that what it measures is the router and not the fuzzers beside it. Arguments: address of the webhook, seconds, prefix
 * of the uids. Prints what came of them as JSON.
 */
export const honestAlerts = z.object({
  /** Ids of the entries that the alerts became. */
  entries: z.array(z.string()),
  /** Answers other than 202. */
  faults: z.array(z.string()),
  slowestMs: z.number(),
});
export type HonestAlerts = z.infer<typeof honestAlerts>;

const ALERT_EVERY_MS = 100;

async function sendAlerts(address: string, seconds: number, prefix: string): Promise<HonestAlerts> {
  const found = { entries: [] as string[], faults: [] as string[], slowestMs: 0 };
  const send = async (n: number): Promise<void> => {
    const alert = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", time: Date.now(), uid: `${prefix}-${n}` };
    const startedAt = performance.now();
    try {
      const answer = await fetch(address, {
        method: "POST",
        headers: { connection: "close" },
        body: JSON.stringify(alert),
      });
      const text = await answer.text();
      if (answer.status === 202)
        found.entries.push(String((JSON.parse(text) as { entry_id?: string }).entry_id));
      else found.faults.push(`${n}: ${answer.status} ${text}`);
    } catch (error) {
      found.faults.push(`${n}: ${String(error)}`);
    }
    found.slowestMs = Math.max(found.slowestMs, performance.now() - startedAt);
  };
  const sent: Promise<void>[] = [];
  const until = performance.now() + seconds * 1_000;
  for (let n = 0; performance.now() < until; n += 1) {
    sent.push(send(n));
    await after(ALERT_EVERY_MS);
  }
  await Promise.all(sent);
  return found;
}

const [address, seconds, prefix] = process.argv.slice(2);
if (address !== undefined && prefix !== undefined)
  console.log(JSON.stringify(await sendAlerts(address, Number(seconds), prefix)));
