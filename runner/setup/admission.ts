import type { Redis } from "ioredis";
import type { Config } from "../../shared/config/config.ts";
import { entryTime } from "../../shared/entry.ts";
import {
  oldestPendingOf,
  readForeignConsumers,
  type ForeignConsumer,
} from "../../shared/io/streams/foreign-consumers.ts";
import { claimMode, type ModeClaim } from "../../shared/io/streams/router-mode.ts";
import type { Keys } from "../../shared/keys.ts";
import { printable } from "../../shared/text.ts";
import { MisconfigurationError } from "../environment.ts";
import { refuseStreamsElsewhere } from "./check-redis.ts";

/**
 * Whether this process may work on its groups: routers that live have the same SHADOW, and no other program has entries pending
 * there that no operator has decided about. @throws MisconfigurationError
 */
export async function refuseOccupiedGroups(redis: Redis, keys: Keys, process: ModeOf): Promise<void> {
  await refuseStreamsElsewhere(redis, process.config);
  const foreign = (await readForeignConsumers(redis, keys)).filter(
    ({ pending, isAdopted }) => pending > 0 && !isAdopted,
  );
  if (foreign.length > 0) throw new MisconfigurationError(await foreignText(foreign, redis, keys));
  await refuseOtherMode(redis, keys, process, { unknownIs: false });
}

interface ModeOf {
  readonly config: Pick<Config, "shadow" | "blockMs" | "keyPrefix" | "outcomeStreams" | "referenceStreams">;
  /** Absent: this process has no loops yet, so what has its name is another one, or was killed just now. */
  readonly consumer?: string;
}

/** Stores SHADOW for the routers of these groups. @throws MisconfigurationError when routers that live have another one */
export async function refuseOtherMode(
  redis: Redis,
  keys: Keys,
  { config: { shadow, blockMs }, consumer = "" }: ModeOf,
  { unknownIs }: Pick<ModeClaim, "unknownIs">,
): Promise<void> {
  const silentMsMax = Math.max(3 * blockMs, LOOP_SILENT_MS_MIN);
  const others = await claimMode(redis, keys, { shadow, consumer, silentMsMax, unknownIs });
  if (others.length > 0) throw new MisconfigurationError(otherModeText(others, shadow));
}

/** As health sees it: a loop that has not read for so long has stopped. */
const LOOP_SILENT_MS_MIN = 15_000;

function otherModeText(consumers: readonly string[], shadow: boolean): string {
  const names = consumers.map(printable).join(", ");
  return (
    `SHADOW=${shadow}, but routers with SHADOW=${!shadow} work on the same groups: ${names}. Signals would be divided between them, and only some traded. ` +
    `To change SHADOW, stop all of them first, and start this one 15 s later; to run a shadow beside them, set GROUP_SUFFIX, such as _new, as well`
  );
}

async function foreignText(foreign: readonly ForeignConsumer[], redis: Redis, keys: Keys): Promise<string> {
  const lines: string[] = [];
  for (const one of foreign) {
    const oldest = await oldestPendingOf(redis, keys, one);
    const since =
      oldest === undefined ? "" : `, the oldest ${oldest} of ${new Date(entryTime(oldest)).toISOString()}`;
    lines.push(
      `  ${printable(one.consumer)} in group ${one.groupName} of ${one.stream}: ${one.pending} pending${since}`,
    );
  }
  const groups = [...new Set(foreign.map(({ group }) => group))];
  return [
    "another program has entries pending in the router's groups, and may have processed them or not:",
    ...lines,
    "stop that program, then say what is to become of these entries (XPENDING lists them):",
    ...groups.flatMap((group) => [
      `  npm run cli -- groups adopt ${group} acknowledge    # they are done: take them out of the pending list, and record their ids`,
      `  npm run cli -- groups adopt ${group} decide         # they are not: routers process them, as those of a router that died`,
    ]),
  ].join("\n");
}
