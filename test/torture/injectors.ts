import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { pause as pauseStrategy, resume } from "../../shared/io/reference/control-store.ts";
import { buildReference } from "../../shared/reference/build-reference.ts";
import type { Paused } from "../builders.ts";
import { dropConsumer } from "./drop-consumer.ts";
import type { FaultKind, PlannedFault } from "./faults.ts";
import { deleteLease, freezeHolder, hangHolder } from "./lease-faults.ts";
import type { Random } from "./random.ts";
import { referenceRevision, respelledRevision, writeReference } from "./references.ts";
import { announceReference, redisTime, untilDone, type Stage } from "./stage.ts";
import type { ControlChange, Revision } from "./timeline.ts";
import type { Moves } from "./torture-redis.ts";

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

/** For so long a symbol has another meaning. */
const SPELLING_MS = 700;
const STILL_MS = 250;
const AWAKE_MS = 20;
const DROP_MS_MAX = 3_000;
const SAFE_AFTER_MS = 1_000;
/** How far a router's machine is ahead of the others, in ms. */
const CLOCK_STEPS = [360_000, -360_000, 3_600_000, -3_600_000, 0];

export function injectorOn(stage: Stage, random: Random): Injector {
  const revisions: Revision[] = [];
  const control: ControlChange[] = [{ paused: new Set(), before: 0, after: 0 }];
  const inOrder = chains();
  /** When answers of Redis may last have been lost, from `performance.now()`. */
  let disturbedAt = -Infinity;
  const disturb = (): void => {
    disturbedAt = performance.now();
  };

  async function changeReference(revisionOf = referenceRevision): Promise<void> {
    const rows = revisionOf(revisions.length, random);
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
    await untilDone(async () => {
      if (on) await pauseStrategy(redis, keys, id, { by: "torture", at: before });
      else await resume(redis, keys, id);
      await stage.confirm(redis);
    });
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
    disturb();
    await untilDone(async () => redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    disturb();
    redis.disconnect();
  }

  function onRouter({ which }: PlannedFault, act: (slot: Stage["routers"][number]) => Promise<void>) {
    return inOrder(`router ${which}`, async () => {
      const slot = stage.routers[which];
      if (slot === undefined) throw new Error(`there is no router ${which}`);
      await act(slot);
    });
  }

  /** The server is not asked for again: a fail-over in between leaves it as it is. */
  async function fillMemory(forMs: number): Promise<void> {
    const { url } = await untilDone(async () => stage.servers.master());
    const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 50 });
    redis.on("error", () => undefined);
    await untilDone(async () => redis.config("SET", "maxmemory", "1mb"));
    await pause(forMs);
    await untilDone(async () => redis.config("SET", "maxmemory", "0"));
    redis.disconnect();
  }

  /** As a disk that takes 250 ms for each write looks from outside. */
  async function slowDown(forMs: number): Promise<void> {
    const server = await untilDone(async () => stage.servers.master());
    for (const startedAt = performance.now(); performance.now() - startedAt < forMs;) {
      server.freeze();
      await pause(STILL_MS);
      server.wake();
      await pause(AWAKE_MS);
    }
  }

  async function openHole({ which, forMs, atMs }: PlannedFault): Promise<void> {
    const relay = stage.relays[which];
    relay?.openHole(Math.round(atMs) % 2 === 0 ? "requests" : "answers");
    await pause(forMs);
    disturb();
    // What has waited arrives late, or never.
    if (Math.round(atMs) % 3 === 0) relay?.cut();
    else relay?.closeHole();
    disturb();
  }

  function loseAnswer({ which }: PlannedFault): void {
    disturb();
    stage.relays[which]?.loseNextAnswer();
  }

  /** Only while no answer can have been lost: an entry that nobody has received, and whose group drops it, is lost for good. */
  async function drop({ which, forMs, atMs }: PlannedFault): Promise<void> {
    const { redis, keys } = stage;
    for (const startedAt = performance.now(); performance.now() - startedAt < DROP_MS_MAX;) {
      const pid = stage.routers[which]?.pid;
      const isSafe = performance.now() - disturbedAt > SAFE_AFTER_MS;
      const tasks = Math.round(atMs) % 2 === 0;
      if (isSafe && pid !== undefined && (await dropConsumer(redis, keys, { pid, tasks }).catch(() => false)))
        return pause(forMs);
      await pause(10);
    }
  }

  /** Another server becomes the master, or the slot moves. */
  async function move(step: (moves: Moves) => Promise<void>): Promise<void> {
    await inOrder("redis", async () => {
      disturb();
      const { moves } = stage.servers;
      if (moves !== undefined) await stage.outage(async () => step(moves));
      disturb();
    });
  }

  const injectors: Readonly<Record<FaultKind, (fault: PlannedFault) => Promise<void>>> = {
    kill: async (fault) => onRouter(fault, async (slot) => slot.kill(fault.forMs)),
    freeze: async (fault) => onRouter(fault, async (slot) => slot.freeze(fault.forMs)),
    terminate: async (fault) => onRouter(fault, async (slot) => slot.terminate(fault.forMs)),
    redis: async (fault) =>
      inOrder("redis", async () => {
        disturb();
        const { server } = stage.servers;
        if (server !== undefined) await stage.restart(server, fault.forMs);
        disturb();
      }),
    master_kill: async ({ forMs }) => move(async (moves) => later(forMs, await moves.kill())),
    master_freeze: async ({ forMs }) => move(async (moves) => later(forMs, await moves.freeze())),
    failover: async () => move(async (moves) => moves.failover()),
    reshard: async () => move(async (moves) => moves.reshard()),
    lease_delete: async (fault) => deleteLease(stage, fault),
    lease_freeze: async (fault) => freezeHolder(stage, fault),
    lease_hang: async (fault) => {
      disturb();
      await hangHolder(stage, fault);
      disturb();
    },
    clients: killClients,
    scripts: async () => void (await untilDone(async () => stage.redis.script("FLUSH"))),
    postgres: async (fault) =>
      inOrder("postgres", async () => stage.restart(stage.postgresServer, fault.forMs)),
    reference: async () => inOrder("reference", changeReference),
    spelling: async () =>
      inOrder("reference", async () => {
        await changeReference(respelledRevision);
        await pause(SPELLING_MS);
        await changeReference();
      }),
    pause: pauseFor,
    clock: async ({ which, atMs }) =>
      stage.clocks[which]?.set(CLOCK_STEPS[Math.round(atMs) % CLOCK_STEPS.length] ?? 0),
    full: async ({ forMs }) => inOrder("redis", async () => fillMemory(forMs)),
    slow: async ({ forMs }) => inOrder("redis", async () => slowDown(forMs)),
    hole: async (fault) => inOrder(`router ${fault.which}`, async () => openHole(fault)),
    cut: async (fault) => inOrder(`router ${fault.which}`, async () => loseAnswer(fault)),
    dropped: async (fault) => inOrder(`router ${fault.which}`, async () => drop(fault)),
  };
  return {
    inject: async (fault) => injectors[fault.kind](fault),
    changeReference,
    revisions,
    control,
  };
}

async function later(ms: number, step: () => Promise<void>): Promise<void> {
  await pause(ms);
  await step();
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
