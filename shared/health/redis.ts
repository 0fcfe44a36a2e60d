import { refusalText, type RedisRefusal } from "../redis-refusal.ts";
import { degraded, notReady, type Fault } from "./fault.ts";

/** What is wrong with Redis, without which no signal is accepted or decided. */
export function redisFaults({ answers, refusals, memory, isWithoutPrimary }: RedisHealth): Fault[] {
  if (refusals.length > 0) return refusals.map((refusal) => notReady(refusalReason(refusal)));
  if (!answers) return [notReady(isWithoutPrimary === true ? WITHOUT_PRIMARY : "Redis does not answer")];
  return memoryFaults(memory);
}

export interface RedisHealth {
  /** False when the router's state could not be read; `refusals` say why, unless there was no answer at all. */
  readonly answers: boolean;
  /** What it said instead of taking a write, or instead of an answer. */
  readonly refusals: readonly RedisRefusal[];
  /** No server of REDIS_URL is found that could be asked. */
  readonly isWithoutPrimary?: boolean;
  /** In bytes; null: not known. A `max` of 0 is no limit. */
  readonly memory: { readonly used: number | null; readonly max: number | null };
}

/** Without an address: readiness is open to all. */
const WITHOUT_PRIMARY =
  "no signal is accepted or decided, everything waits: none of the servers of REDIS_URL can be found to be the primary now. Wait for a fail-over; npm run cli -- check says what each of them answers";

/** Whether it takes no write at all, so that heartbeats do not show who works. A full Redis takes them. */
export function refusesEveryWrite({ answers, refusals }: RedisHealth): boolean {
  return !answers || refusals.some(({ code }) => code !== "OOM");
}

/** Share of maxmemory from which it needs attention. */
const MEMORY_SHARE_MAX = 0.8;

function refusalReason(refusal: RedisRefusal): string {
  const text = refusalText(refusal);
  return refusal.code === "OOM"
    ? `no signal is accepted or decided, what has begun is finished. ${text}`
    : `no signal is accepted or decided, everything waits. ${text}`;
}

function memoryFaults({ used, max }: RedisHealth["memory"]): Fault[] {
  if (used === null || max === null || max === 0 || used < MEMORY_SHARE_MAX * max) return [];
  const share = Math.floor((100 * used) / max);
  return [
    degraded(
      `Redis uses ${bytesText(used)} of its maxmemory of ${bytesText(max)} (${share} %); when it is full, no signal is ` +
        "accepted or decided: raise maxmemory; if records wait for Postgres, start it",
    ),
  ];
}

const UNITS = [
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
] as const;

function bytesText(bytes: number): string {
  const [unit, size] = UNITS.find(([, unitBytes]) => bytes >= 10 * unitBytes) ?? (["B", 1] as const);
  return `${Math.round(bytes / size)} ${unit}`;
}
