import { setTimeout as pause } from "node:timers/promises";
import type { FunctionName } from "../../shared/function-names.ts";
import { readWriteRefusals } from "../../shared/io/redis/server-facts.ts";
import { refusalText } from "../../shared/redis-refusal.ts";
import type { Binding } from "../engine/binding.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import type { Services } from "../setup/services.ts";
import { isReachable } from "../telemetry/health.ts";

/** Functions that notice only with an entry in flight that Postgres is unavailable. */
const WRITE_TO_POSTGRES: ReadonlySet<FunctionName> = new Set(["persist-log"]);

/** Why Redis would refuse the commits of this binding now; undefined when it takes them. */
export async function refusedCommit(
  { dispatches, stream }: Binding,
  { redis, keys }: Pick<Services, "redis" | "keys">,
): Promise<UnavailableError | undefined> {
  const refusals = await readWriteRefusals(redis, keys.stream(stream));
  const [refusal] = dispatches === true ? refusals : refusals.filter(({ code }) => code !== "OOM");
  return refusal === undefined ? undefined : new UnavailableError(refusalText(refusal));
}

/** A Postgres that takes longer for a trivial answer, in ms, counts as unavailable. */
const ANSWER_MS_MAX = 2_000;

/** What the function needs and is unavailable now; undefined when there is nothing. Asked before entries are read. */
export async function unavailableDependency(
  binding: Binding,
  { database, redis, keys }: Pick<Services, "database" | "redis" | "keys">,
): Promise<UnavailableError | undefined> {
  const refused = await refusedCommit(binding, { redis, keys });
  if (refused !== undefined) return refused;
  if (WRITE_TO_POSTGRES.has(binding.functionName)) {
    const answers = await Promise.race([isReachable(database), pause(ANSWER_MS_MAX, false, { ref: false })]);
    if (!answers) return UnavailableError.from({ what: "postgres", error: "it does not answer" });
  }
  // What this process has cached may be outdated, as after Redis was emptied.
  binding.invalidate();
  for await (const answer of binding.run([])) {
    if (answer.status === "unavailable") return UnavailableError.from(answer);
  }
  return undefined;
}
