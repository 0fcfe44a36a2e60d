import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { processSignals } from "../../../functions/process-signals.ts";
import type { Fields } from "../../../shared/entry.ts";
import { sharedFields } from "../../../shared/function.ts";
import { keysOf } from "../../../shared/keys.ts";
import { loadDecisionContext } from "./decision-context.ts";
import { dispatchedTasks } from "./dispatched-tasks.ts";

/** A BullMQ worker that decides signals: the JSON argument it is started with. */
export interface BullmqTask {
  readonly url: string;
  readonly signalQueue: string;
  readonly taskQueue: string;
  /** Jobs that are waiting in the signal queue. */
  readonly count: number;
  readonly concurrency: number;
}

/** The JSON it prints. */
export interface BullmqAnswer {
  /** From the start of the worker to the last completed job. */
  readonly seconds: number;
}

const { url, signalQueue, taskQueue, count, concurrency } = JSON.parse(process.argv[2] ?? "") as BullmqTask;
const redis = new Redis(url);
const context = await loadDecisionContext(redis, keysOf(""));
redis.disconnect();

const connection = { url, maxRetriesPerRequest: null };
const tasks = new Queue<Fields>(taskQueue, { connection });
const worker = new Worker<Fields>(
  signalQueue,
  async (job) => {
    const entry = { id: `${job.timestamp}-${job.id}`, fields: job.data };
    const [result] = processSignals([entry], { ...context, now: Date.now() });
    const append = dispatchedTasks(result);
    if (append === undefined) return;
    // The many fields first, which V8 copies at once: 3 % of the worker's time, 6 % the other way round.
    const shared = sharedFields(append);
    await tasks.addBulk(
      (append.each ?? []).map((fields) => ({ name: "task", data: { ...shared, ...fields } })),
    );
  },
  { connection, concurrency, autorun: false },
);
await Promise.all([worker.waitUntilReady(), tasks.waitUntilReady()]);

const startedAt = performance.now();
await new Promise<void>((resolve, reject) => {
  let completed = 0;
  worker.on("completed", () => {
    completed += 1;
    if (completed === count) resolve();
  });
  worker.on("failed", (_, error) => reject(error));
  worker.on("error", reject);
  worker.run().catch(reject);
});
const seconds = (performance.now() - startedAt) / 1000;

await worker.close();
await tasks.close();
console.log(JSON.stringify({ seconds } satisfies BullmqAnswer));
