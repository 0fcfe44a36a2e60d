import { expect, vi } from "vitest";
import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import type { Fields } from "../../../shared/entry.ts";
import type { StreamName } from "../../../shared/keys.ts";
import { mixedReference } from "../../mixed-signals.ts";
import { insertReference } from "../../servers/insert-reference.ts";
import { entriesIn, fieldsIn } from "../../servers/redis-contents.ts";
import { useRouters, type RouterFixture } from "../../servers/router-fixture.ts";

interface SignalLetter {
  readonly uid: string;
  readonly entryId?: string;
  readonly functionName?: string;
}

/** A database of dead letters, a router when a test starts it, and the command line. */
export interface DeadLettersFixture {
  readonly router: RouterFixture;
  readonly cli: (...args: string[]) => ReturnType<RouterFixture["run"]>;
  readonly inStream: (name: StreamName) => Promise<readonly Fields[]>;
  readonly lettersLeft: () => Promise<number>;
  readonly add: (stream: StreamName, fields: Fields) => Promise<string>;
  /** Starts a router; it, its reference and the log are ready when this resolves. */
  readonly running: () => Promise<void>;
  /** Puts a signal among the dead letters that was published just now; four strategies would take it. */
  readonly addSignalLetter: (letter: SignalLetter) => Promise<string>;
  /** An outcome that the running router has given up on, since a constraint forbids its row. */
  readonly addRefusedOutcome: (strategyId: number) => Promise<string>;
  readonly forbidSeven: () => Promise<unknown>;
  readonly allowSeven: () => Promise<unknown>;
}

export function useDeadLetters(): DeadLettersFixture {
  const router = useRouters();
  const fixture: DeadLettersFixture = {
    router,
    cli: async (...args) => router.run("cli.ts", "dead-letters", ...args),
    inStream: async (name) => fieldsIn(router.redis, router.keys.stream(name)),
    lettersLeft: async () => router.redis.xlen(router.keys.stream("dead_letters")),
    add: async (stream, fields) =>
      String(await router.redis.xadd(router.keys.stream(stream), "*", ...Object.entries(fields).flat())),
    async running() {
      await insertReference(router.databaseUrl, mixedReference());
      await router.start();
      await vi.waitFor(async () =>
        expect(await router.redis.get(router.keys.referenceCurrent)).not.toBeNull(),
      );
    },
    async addSignalLetter({ uid, entryId, functionName = "process-signals" }) {
      const fields = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT", bar_time: "2026-01-01T00:00:00Z", uid };
      const [seconds] = await router.redis.time();
      const entry = { id: entryId ?? `${Number(seconds) * 1_000}-7`, fields };
      const dead = {
        id: entry.id,
        status: "dead",
        reason: "deliveries_exhausted",
        error: "it failed",
      } as const;
      const origin = { stream: "signals_stream", functionName, deliveries: 5, at: Date.now() } as const;
      return fixture.add("dead_letters", deadLetterEffects(entry, dead, origin).append[0]?.fields ?? {});
    },
    async addRefusedOutcome(strategyId) {
      const record = {
        strategy_id: strategyId,
        status: "executed",
        reason: null,
        detail: {},
        attempt: 1,
        duration_ms: 5,
        at: "2026-01-01T00:00:00Z",
      };
      const data = JSON.stringify(record);
      const before = await fixture.lettersLeft();
      await fixture.add("signal_results", { kind: "outcome", entry_id: "17-0", invocation: "live", data });
      await vi.waitFor(async () => expect(await fixture.lettersLeft()).toBe(before + 1), { timeout: 10_000 });
      return (await entriesIn(router.redis, router.keys.stream("dead_letters"))).at(-1)?.id ?? "";
    },
    forbidSeven: async () =>
      router.sql("ALTER TABLE signal_log_entries ADD CONSTRAINT no_seven CHECK (strategy_id <> 7)"),
    allowSeven: async () => router.sql("ALTER TABLE signal_log_entries DROP CONSTRAINT no_seven"),
  };
  return fixture;
}
