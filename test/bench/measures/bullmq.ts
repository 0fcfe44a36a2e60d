import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { keysOf } from "../../../shared/keys.ts";
import { besideRouting } from "../beside-routing.ts";
import type { BullmqAnswer, BullmqTask } from "../clients/bullmq-worker.ts";
import { startClient } from "../clients/client-process.ts";
import type { Bench, Figure, Measure } from "../measure.ts";
import { grouped } from "../percentiles.ts";
import { publishReference, signalAt, tasksOf, WORKLOAD } from "../workload.ts";

/**
 * The same signals, decided by the same function in the worker of a job queue. It adds tasks only: storing the record
 * too, as the router does, would cost it far more than making a record that is discarded.
 */
export const bullmq: Measure = {
  id: "bullmq",
  title: "BullMQ",
  async run(bench) {
    return [
      ...(await figuresOf(bench, "off", "without AOF")),
      ...(await figuresOf(bench, "everysec", "AOF everysec")),
    ];
  },
};

const SIGNAL_QUEUE = "signals";
const TASK_QUEUE = "tasks";
const CONCURRENCY = 100;
const ADDED_PER_ROUND_TRIP = 1_000;
/** Signals per second; a slower run counts as stuck. */
const RATE_MIN = 500;
const SPARE_SECONDS = 30;

async function figuresOf(bench: Bench, aof: "everysec" | "off", how: string): Promise<Figure[]> {
  const count = bench.scaled(100_000);
  const {
    routing,
    routingMax,
    other: rate,
  } = await besideRouting(bench, count, async () => bullmqRate(bench, { count, aof }), { aof });
  return [
    {
      name: `BullMQ, one worker, concurrency ${CONCURRENCY}, ${how}`,
      value: rate,
      unit: "signals/s",
      note:
        `${grouped(count)} jobs, default options: no de-duplication, tasks and completion not in one step; ` +
        "the record of a decision is discarded, making it is 1 % of the worker's time (CPU profile of 50,000 jobs)",
    },
    {
      name: `routing ÷ BullMQ, ${how}`,
      value: routing / rate,
      unit: "×",
      goal: { least: 5 },
      note: `at most ${(routingMax / rate).toFixed(2)} ×: then Redis' main thread would be busy with the router's work all the time`,
    },
  ];
}

async function bullmqRate(
  bench: Bench,
  { count, aof }: { count: number; aof: "everysec" | "off" },
): Promise<number> {
  const server = await bench.startRedis({ aof });
  const redis = new Redis(server.url);
  const connection = { url: server.url, maxRetriesPerRequest: null };
  const signals = new Queue(SIGNAL_QUEUE, { connection });
  const tasks = new Queue(TASK_QUEUE, { connection });
  try {
    await publishReference(redis, keysOf(""), WORKLOAD);
    bench.say(`${count} signals into a BullMQ queue`);
    await addJobs(signals, count);
    bench.say(`${count} signals through one BullMQ worker`);
    const { seconds } = await workThrough({
      url: server.url,
      signalQueue: SIGNAL_QUEUE,
      taskQueue: TASK_QUEUE,
      count,
      concurrency: CONCURRENCY,
    });
    await assertDone(signals, tasks, count);
    return count / seconds;
  } finally {
    await Promise.all([signals.close(), tasks.close()]);
    redis.disconnect();
    await server.stop();
  }
}

async function addJobs(queue: Queue, count: number): Promise<void> {
  for (let from = 0; from < count; from += ADDED_PER_ROUND_TRIP) {
    const length = Math.min(ADDED_PER_ROUND_TRIP, count - from);
    await queue.addBulk(
      Array.from({ length }, (_, i) => ({ name: "signal", data: signalAt(from + i, WORKLOAD, Date.now()) })),
    );
  }
}

async function workThrough(task: BullmqTask): Promise<BullmqAnswer> {
  const worker = startClient<BullmqAnswer>("bullmq-worker.ts", task);
  try {
    return await worker.answer(SPARE_SECONDS + task.count / RATE_MIN);
  } finally {
    worker.kill();
  }
}

/** @throws Error when a job is not completed, or a task is missing or superfluous */
async function assertDone(signals: Queue, tasks: Queue, count: number): Promise<void> {
  const completed = await signals.getCompletedCount();
  const waiting = await tasks.getWaitingCount();
  const expected = tasksOf(count, WORKLOAD);
  if (completed !== count || waiting !== expected) {
    throw new Error(
      `BullMQ completed ${completed} of ${count} jobs, which gave ${waiting} of ${expected} tasks`,
    );
  }
}
