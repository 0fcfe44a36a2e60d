import { setTimeout as pause } from "node:timers/promises";
import { pause as pauseStrategy, resume } from "../../shared/io/reference/control-store.ts";
import { buildReference } from "../../shared/reference/build-reference.ts";
import type { Paused } from "../builders.ts";
import type { FaultKind, PlannedFault } from "./faults.ts";
import type { Random } from "./random.ts";
import { referenceRevision, writeReference } from "./references.ts";
import { announceReference, redisTime, untilDone, type Stage } from "./stage.ts";
import type { ControlChange, Revision } from "./timeline.ts";

/** Makes the planned faults happen, and records what the checks need to know about them. */
export interface Injector {
  /** Resolves when the fault is over; it waits for an earlier one of the same router, server or table. */
  inject(fault: PlannedFault): Promise<void>;
  /** Writes the next revision of the reference. */
  changeReference(): Promise<void>;
  readonly revisions: readonly Revision[];
  readonly control: readonly ControlChange[];
}

/** What a `pause` may name: mostly one strategy, seldom all. */
const PAUSABLE = [10, 11, 15, 16, 17, 18, 10, 17, "*"] as const satisfies readonly (number | "*")[];

export function injectorOn(stage: Stage, random: Random): Injector {
  const revisions: Revision[] = [];
  const control: ControlChange[] = [{ paused: new Set(), before: 0, after: 0 }];
  const inOrder = chains();

  async function changeReference(): Promise<void> {
    const rows = referenceRevision(revisions.length, random);
    const { version } = buildReference(rows);
    // Recorded before it is written: a router may be faster than the reply to COMMIT.
    revisions.push({ version, rows });
    await untilDone(async () => writeReference(stage.postgresServer.url, rows));
    // Sometimes without an announcement, so that the scheduled refresh has to find it.
    if (revisions.length % 4 > 0) await untilDone(async () => announceReference(stage.redis));
  }

  /** Pauses or resumes, and records between which moments that came into force. */
  async function setPaused(scope: number | "*", on: boolean): Promise<void> {
    const { redis, keys } = stage;
    const id = scope === "*" ? undefined : scope;
    const before = await untilDone(async () => redisTime(redis));
    await untilDone(async () =>
      on ? pauseStrategy(redis, keys, id, { by: "torture", at: before }) : resume(redis, keys, id),
    );
    const after = await untilDone(async () => redisTime(redis));
    const paused = new Set<number | "*">(control.at(-1)?.paused satisfies Paused | undefined);
    if (on) paused.add(scope);
    else paused.delete(scope);
    control.push({ paused, before, after });
  }

  async function pauseFor(fault: PlannedFault): Promise<void> {
    const scope = PAUSABLE[fault.which % PAUSABLE.length] ?? "*";
    await inOrder("control", async () => setPaused(scope, true));
    await pause(fault.forMs);
    await inOrder("control", async () => setPaused(scope, false));
  }

  async function killClients(): Promise<void> {
    const redis = stage.connect("killer");
    await untilDone(async () => redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    redis.disconnect();
  }

  function onRouter({ which }: PlannedFault, act: (slot: Stage["routers"][number]) => Promise<void>) {
    return inOrder(`router ${which}`, async () => {
      const slot = stage.routers[which];
      if (slot === undefined) throw new Error(`there is no router ${which}`);
      await act(slot);
    });
  }

  const injectors: Readonly<Record<FaultKind, (fault: PlannedFault) => Promise<void>>> = {
    kill: async (fault) => onRouter(fault, async (slot) => slot.kill(fault.forMs)),
    freeze: async (fault) => onRouter(fault, async (slot) => slot.freeze(fault.forMs)),
    terminate: async (fault) => onRouter(fault, async (slot) => slot.terminate(fault.forMs)),
    redis: async (fault) => inOrder("redis", async () => stage.restart(stage.redisServer, fault.forMs)),
    clients: killClients,
    scripts: async () => void (await untilDone(async () => stage.redis.script("FLUSH"))),
    postgres: async (fault) =>
      inOrder("postgres", async () => stage.restart(stage.postgresServer, fault.forMs)),
    reference: async () => inOrder("reference", changeReference),
    pause: pauseFor,
  };
  return {
    inject: async (fault) => injectors[fault.kind](fault),
    changeReference,
    revisions,
    control,
  };
}

/** Runs steps with the same name one after the other. */
function chains(): (name: string, step: () => Promise<void>) => Promise<void> {
  const last = new Map<string, Promise<void>>();
  return async (name, step) => {
    const before = last.get(name) ?? Promise.resolve();
    const own = before.then(step);
    last.set(
      name,
      own.catch(() => undefined),
    );
    return own;
  };
}
