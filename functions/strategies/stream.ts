import * as z from "zod";
import { isoTime } from "../../shared/signal/time.ts";
import { defineStrategy } from "../../shared/strategy.ts";

/**
 * Adds the signal to a stream of the strategy's own, `strategies:<stream>` under KEY_PREFIX, in one step with the outcome: one
 * entry per executed task, whatever crashes. It has the fields of a task (`side` for exits alone), and `idempotency_key`; times are ISO 8601 in UTC.
 * The router never trims these streams: their readers do.
 */
export const stream = defineStrategy({
  name: "stream",
  params: z.strictObject({
    /** Default: the strategy's id. */
    stream: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,100}$/, "expected 1 to 100 of the characters A-Z a-z 0-9 _ . : -")
      .optional(),
  }),
  plan: ({ signal, strategy, params: { stream: name = String(strategy.id) }, idempotencyKey }) => ({
    status: "executed",
    detail: { stream: `strategies:${name}` },
    append: {
      stream: `strategies:${name}`,
      fields: {
        strategy_id: String(strategy.id),
        strategy: strategy.name,
        signal_id: String(signal.signalId),
        symbol: signal.symbol,
        direction: signal.direction,
        ...(signal.direction === "flat" ? { side: signal.side ?? "" } : {}),
        time: isoTime(signal.barTime),
        received_at: isoTime(signal.receivedAt),
        sent_at: signal.sentAt === null ? "" : isoTime(signal.sentAt),
        log_uid: signal.uid,
        source: signal.source,
        entry_id: signal.entryId,
        invocation: signal.invocation,
        idempotency_key: idempotencyKey,
        ...(Object.keys(signal.extra).length === 0 ? {} : { extra: JSON.stringify(signal.extra) }),
      },
    },
  }),
});
