import { setTimeout as pause } from "node:timers/promises";
import { begunIn } from "./begun.ts";
import { databaseFacts, deadLettersIn, groupStates, redisFacts, type Facts } from "./facts.ts";
import { planFaults, type FaultKind, type Setting } from "./faults.ts";
import { injectorOn, type Injector } from "./injectors.ts";
import { lostSignals } from "./lost-entries.ts";
import { startProducer } from "./producer.ts";
import { seededRandom } from "./random.ts";
import { CLAIM_IDLE_MS, LEASE_MS, openStage, untilDone, type Stage } from "./stage.ts";
import type { Observation } from "./timeline.ts";

/** Sends signals through routers during faults, waits until all work is done, and collects the results. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const startedAt = Date.now();
  const seen: string[] = [];
  const stage = await openStage(options, (text) => void seen.push(text));
  try {
    await stage.database.migrate();
    const injector = injectorOn(stage, seededRandom(options.seed + 1));
    await injector.changeReference();
    await Promise.all(stage.routers.map(async (slot) => slot.start()));
    const observer = observe(stage);
    const { faults, produced } = await runFaults(stage, injector, options);
    const unfinished = await untilFinished(stage, injector, options.say);
    if (unfinished !== undefined) seen.push(`work remained: ${unfinished}`, ...outputs(stage));
    await Promise.all(stage.routers.map(async (slot) => slot.stop()));
    const observations = await observer.stop();
    const readyAfterMs = await stage.readiness.stop();
    const facts: Facts = {
      ...(await redisFacts(stage.redis, stage.keys)),
      ...(await databaseFacts(stage.database, stage.keys.prefix)),
      ...injector,
      setting: options.setting,
      begun: await begunIn(stage.begunPath),
      readyAfterMs,
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

export interface TortureOptions {
  readonly setting: Setting;
  readonly seed: number;
  readonly minutes: number;
  readonly routers: number;
  /** Signals per second. */
  readonly rate: number;
  /** Mean time between two faults, milliseconds. */
  readonly faultEveryMs: number;
  /** Prints a line of progress. */
  readonly say: (line: string) => void;
}

export interface TortureReport {
  readonly facts: Facts;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly unanswered: number;
  readonly durationMs: number;
}

const OBSERVE_EVERY_MS = 50;
/** Not MULTI, which a Redis that has reached maxmemory refuses. */
const OBSERVE_SCRIPT = `#!lua flags=no-writes
return { redis.call('TIME'), redis.call('GET', KEYS[1]) }
`;
const SAY_EVERY_MS = 10_000;
/** The remaining work may take this long, and this much longer for each entry. */
const FINISH_MS_MIN = 60_000;
const FINISH_MS_PER_ENTRY = 50;
/** After this time without progress the run no longer waits for it. */
const NO_PROGRESS_MS_MAX = 30_000;
const SIGNAL_AGE_MS_MAX = 300_000;

/** Sends signals and causes faults until the time is over and every fault has ended. */
async function runFaults(stage: Stage, injector: Injector, options: TortureOptions) {
  const { setting, seed, minutes, routers, rate, faultEveryMs: everyMs, say } = options;
  const forMs = minutes * 60_000;
  const times = { claimIdleMs: CLAIM_IDLE_MS, leaseMs: LEASE_MS, everyMs };
  const plan = planFaults({ setting, forMs, routers, ...times }, seededRandom(seed));
  const key = stage.keys.stream("signals_stream");
  const producer = startProducer({
    redis: stage.connect("producer"),
    key,
    rate,
    random: seededRandom(seed + 2),
    replicasMin: stage.torture.replicasMin,
  });
  const faults: Partial<Record<FaultKind, number>> = {};
  const started: Promise<void>[] = [];
  const startedAt = Date.now();
  const tick = setInterval(() => {
    say(`${seconds(startedAt)} s: ${producer.sent} signals, ${started.length} of ${plan.length} faults`);
  }, SAY_EVERY_MS);
  const wait = async (untilMs: number): Promise<void> => pause(Math.max(0, startedAt + untilMs - Date.now()));
  try {
    for (const fault of plan) {
      await wait(fault.atMs);
      faults[fault.kind] = (faults[fault.kind] ?? 0) + 1;
      stage.readiness.faultBegan();
      const injected = injector.inject(fault).finally(() => stage.readiness.faultEnded());
      // It is awaited below; without this a failure before that would count as unhandled.
      injected.catch(() => undefined);
      started.push(injected);
    }
    await wait(forMs);
    await Promise.all(started);
  } finally {
    clearInterval(tick);
  }
  return { faults, produced: await producer.stop() };
}

/** Waits until all work is done; otherwise returns what remains. */
async function untilFinished(
  stage: Stage,
  injector: Injector,
  say: (line: string) => void,
): Promise<string | undefined> {
  const startedAt = Date.now();
  let before = "";
  let changedAt = Date.now();
  let saidAt = Date.now();
  let finishMsMax = FINISH_MS_MIN;
  for (;;) {
    const { work, entries } = await untilDone(async () => remainingWork(stage, injector));
    if (before === "") finishMsMax = FINISH_MS_MIN + entries * FINISH_MS_PER_ENTRY;
    if (work === "") return undefined;
    if (work !== before) changedAt = Date.now();
    before = work;
    if (Date.now() - changedAt > NO_PROGRESS_MS_MAX) return `${work} (unchanged for ${seconds(changedAt)} s)`;
    if (Date.now() - startedAt > finishMsMax) return `${work} (after ${seconds(startedAt)} s)`;
    if (Date.now() - saidAt > SAY_EVERY_MS) {
      saidAt = Date.now();
      say(`remaining: ${work}`);
    }
    await pause(200);
  }
}

async function remainingWork(
  { redis, keys, database, torture: servers }: Stage,
  { revisions }: Injector,
): Promise<Remaining> {
  const added = await redis.xlen(keys.stream("signals_stream"));
  const tasks = await redis.xlen(keys.stream("strategy_input_stream"));
  const lost = lostSignals(await deadLettersIn(redis, keys));
  const results = (await redis.xlen(keys.stream("signal_results"))) - tasks;
  /** The log may also have what a fail-over has taken back. */
  const isLogged = (rows: number, of: number): boolean =>
    servers.moves === undefined ? rows === of : rows >= of;
  const decided = added - lost;
  const [log] = await database.query<{ readonly n: number }>(
    "SELECT count(*) AS n FROM signal_log WHERE shard = $1",
    [keys.prefix],
  );
  const version = await redis.get(keys.referenceCurrent);
  const groups = await groupStates(redis, keys);
  const work = groups
    .filter(({ pending, behind }) => pending > 0 || behind)
    .map(({ name, pending, behind }) => `${name} has ${pending} pending${behind ? " and more to read" : ""}`);
  if (decided !== results)
    work.push(`${results} results for ${decided} entries, without those of ${tasks} tasks`);
  const [run] = await database.query<{ readonly n: number }>(
    "SELECT count(*) AS n FROM signal_log_entries WHERE shard = $1 AND stage = 'execution'",
    [keys.prefix],
  );
  if (!isLogged(run?.n ?? 0, tasks)) work.push(`${run?.n} rows of execution for ${tasks} tasks`);
  if (!isLogged(log?.n ?? 0, decided)) work.push(`${log?.n} rows in signal_log for ${decided} entries`);
  if (version !== revisions.at(-1)?.version) work.push(`reference ${version} is not the last one written`);
  const waiting = groups.reduce((sum, { pending }) => sum + pending, 0);
  return {
    work: work.join("; "),
    entries: waiting + Math.abs(decided - results) + Math.abs(added - (log?.n ?? 0)),
  };
}

/** The work that is left, for people, and about how many entries it is about. */
interface Remaining {
  readonly work: string;
  readonly entries: number;
}

function outputs({ routers }: Stage): string[] {
  return routers.map((slot, i) => `end of the output of router ${i + 1}:\n${slot.output()}`);
}

/** Reads the current version of the reference all the time, together with Redis' clock. */
function observe({ redis, keys }: Stage): { stop(): Promise<Observation[]> } {
  const observations: Observation[] = [];
  const stopping = new AbortController();
  async function sample(): Promise<void> {
    const [time, version] = (await redis.eval(OBSERVE_SCRIPT, 1, keys.referenceCurrent)) as [
      unknown,
      unknown,
    ];
    if (!Array.isArray(time) || typeof version !== "string") return;
    observations.push({ at: Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000), version });
  }
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sample().catch(() => undefined);
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
