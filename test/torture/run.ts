import { setTimeout as pause } from "node:timers/promises";
import { databaseFacts, groupStates, redisFacts, type Facts } from "./facts.ts";
import { planFaults, type FaultKind } from "./faults.ts";
import { injectorOn, type Injector } from "./injectors.ts";
import { startProducer } from "./producer.ts";
import { seededRandom } from "./random.ts";
import { CLAIM_IDLE_MS, openStage, untilDone, type Stage } from "./stage.ts";
import type { Observation } from "./timeline.ts";

export interface TortureOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly routers: number;
  /** Signals per second. */
  readonly rate: number;
  /** Mean time between two faults, milliseconds. */
  readonly faultEveryMs: number;
  /** Told how it goes, in lines. */
  readonly say: (line: string) => void;
}

export interface TortureReport {
  readonly facts: Facts;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly unanswered: number;
  readonly durationMs: number;
}

const OBSERVE_EVERY_MS = 50;
const SAY_EVERY_MS = 10_000;
/** Settling is given up when it takes this long, or nothing has changed for the second time. */
const SETTLE_MS_MAX = 300_000;
const STANDSTILL_MS_MAX = 30_000;
const SIGNAL_AGE_MS_MAX = 300_000;

/** Runs signals through routers while everything around them fails, lets it settle, and collects what is left. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const startedAt = Date.now();
  const seen: string[] = [];
  const stage = await openStage(options.routers, (text) => void seen.push(text));
  try {
    await stage.database.migrate();
    const injector = injectorOn(stage, seededRandom(options.seed + 1));
    await injector.changeReference();
    await Promise.all(stage.routers.map(async (slot) => slot.start()));
    const observer = observe(stage);
    const { faults, produced } = await underFire(stage, injector, options);
    const unsettled = await settled(stage, injector, options.say);
    if (unsettled !== undefined) seen.push(`did not settle: ${unsettled}`, ...outputs(stage));
    await Promise.all(stage.routers.map(async (slot) => slot.stop()));
    const observations = await observer.stop();
    const facts: Facts = {
      ...(await redisFacts(stage.redis, stage.keys)),
      ...(await databaseFacts(stage.database, stage.keys.prefix)),
      ...injector,
      confirmed: produced.confirmed,
      signalAgeMsMax: SIGNAL_AGE_MS_MAX,
      observations,
      seen,
    };
    return { facts, faults, unanswered: produced.unanswered, durationMs: Date.now() - startedAt };
  } finally {
    await stage.close();
  }
}

/** Produces and injects until the time is over and every fault has been healed. */
async function underFire(stage: Stage, injector: Injector, options: TortureOptions) {
  const { seed, minutes, routers, rate, faultEveryMs: everyMs, say } = options;
  const forMs = minutes * 60_000;
  const plan = planFaults({ forMs, routers, claimIdleMs: CLAIM_IDLE_MS, everyMs }, seededRandom(seed));
  const key = stage.keys.stream("signals_stream");
  const producer = startProducer({
    redis: stage.connect("producer"),
    key,
    rate,
    random: seededRandom(seed + 2),
  });
  const faults: Partial<Record<FaultKind, number>> = {};
  const underWay: Promise<void>[] = [];
  const startedAt = Date.now();
  const tick = setInterval(() => {
    say(`${seconds(startedAt)} s: ${producer.sent} signals, ${underWay.length} of ${plan.length} faults`);
  }, SAY_EVERY_MS);
  const wait = async (untilMs: number): Promise<void> => pause(Math.max(0, startedAt + untilMs - Date.now()));
  try {
    for (const fault of plan) {
      await wait(fault.atMs);
      faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
      const injected = injector.inject(fault);
      // Awaited below; until then its failure must not count as unhandled.
      injected.catch(() => undefined);
      underWay.push(injected);
    }
    await wait(forMs);
    await Promise.all(underWay);
  } finally {
    clearInterval(tick);
  }
  return { faults, produced: await producer.stop() };
}

/** Waits until nothing is left to do; else says what is. */
async function settled(
  stage: Stage,
  injector: Injector,
  say: (line: string) => void,
): Promise<string | undefined> {
  const startedAt = Date.now();
  let before = "";
  let changedAt = Date.now();
  let saidAt = Date.now();
  for (;;) {
    const left = await untilDone(async () => leftToDo(stage, injector));
    if (left === "") return undefined;
    if (left !== before) changedAt = Date.now();
    before = left;
    if (Date.now() - changedAt > STANDSTILL_MS_MAX) return `${left} (unchanged for ${seconds(changedAt)} s)`;
    if (Date.now() - startedAt > SETTLE_MS_MAX) return `${left} (after ${seconds(startedAt)} s)`;
    if (Date.now() - saidAt > SAY_EVERY_MS) {
      saidAt = Date.now();
      say(`settling: ${left}`);
    }
    await pause(200);
  }
}

async function leftToDo({ redis, keys, database }: Stage, { revisions }: Injector): Promise<string> {
  const added = await redis.xlen(keys.stream("signals_stream"));
  const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
  const results = (await redis.xlen(keys.stream("signal_results"))) - tasks;
  const [log] = await database.query<{ readonly n: number }>(
    "SELECT count(*) AS n FROM signal_log WHERE shard = $1",
    [keys.prefix],
  );
  const version = await redis.get(keys.referenceCurrent);
  const groups = await groupStates(redis, keys);
  const left = groups
    .filter(({ pending, behind }) => pending > 0 || behind)
    .map(({ name, pending, behind }) => `${name} has ${pending} pending${behind ? " and more to read" : ""}`);
  if (added !== results)
    left.push(`${results} results for ${added} entries, after one for each of ${tasks} tasks`);
  const [run] = await database.query<{ readonly n: number }>(
    "SELECT count(*) AS n FROM signal_log_entries WHERE shard = $1 AND stage = 'execution'",
    [keys.prefix],
  );
  if (run?.n !== tasks) left.push(`${run?.n} rows of execution for ${tasks} tasks`);
  if (log?.n !== added) left.push(`${log?.n} rows in signal_log for ${added} entries`);
  if (version !== revisions.at(-1)?.version) left.push(`reference ${version} is not the last one written`);
  return left.join("; ");
}

function outputs({ routers }: Stage): string[] {
  return routers.map((slot, i) => `router ${i + 1} printed last:\n${slot.output()}`);
}

/** Looks at the current version all the time, together with Redis' clock. */
function observe({ redis, keys }: Stage): { stop(): Promise<Observation[]> } {
  const observations: Observation[] = [];
  const stopping = new AbortController();
  async function look(): Promise<void> {
    const replies = (await redis.multi().time().get(keys.referenceCurrent).exec()) ?? [];
    const [time, version] = replies.map(([, reply]) => reply);
    if (!Array.isArray(time) || typeof version !== "string") return;
    observations.push({ at: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000), version });
  }
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch(() => undefined);
      await pause(OBSERVE_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const ended = run();
  return {
    async stop() {
      stopping.abort();
      await ended;
      return observations;
    },
  };
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
