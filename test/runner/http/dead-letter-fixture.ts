import { deadLetterEffects } from "../../../shared/dead-letter.ts";
import type { Fields } from "../../../shared/entry.ts";
import type { StreamName } from "../../../shared/keys.ts";
import type { HttpFixture } from "./http-fixture.ts";
import { freshSignal, OUTCOME_FIELDS } from "./router-steps.ts";

let entryCount = 0;

/** Adds dead letters to the stream of a fixture, and counts those that are there. */
export function deadLettersOf(http: HttpFixture) {
  const key = () => http.services.keys.stream("dead_letters");

  /** Adds an entry with any fields, and returns its id. */
  async function addRaw(fields: Fields): Promise<string> {
    return String(await http.services.redis.xadd(key(), "*", ...Object.entries(fields).flat()));
  }

  /** Gives up on an entry with these fields, by default on a signal that strategy 10 would be given. */
  async function add(
    fields: Fields = freshSignal({ uid: crypto.randomUUID() }),
    {
      id = `${Date.now()}-${(entryCount += 1)}`,
      stream = "signals_stream",
      functionName = "process-signals",
      reason = "deliveries_exhausted",
    }: LetterOptions = {},
  ): Promise<string> {
    const dead = { id, status: "dead", reason, error: "it failed" } as const;
    const origin = { stream, functionName, deliveries: 5, at: Date.now() };
    return addRaw(deadLetterEffects({ id, fields }, dead, origin).append[0]?.fields ?? {});
  }

  return {
    addRaw,
    add,
    /** Gives up on the record of an outcome. */
    addOutcome: async () => add(OUTCOME_FIELDS, { stream: "signal_results", functionName: "persist-log" }),
    count: async () => http.services.redis.xlen(key()),
  };
}

interface LetterOptions {
  /** Of the entry given up on. */
  readonly id?: string;
  readonly stream?: StreamName;
  readonly functionName?: string;
  readonly reason?: string;
}
