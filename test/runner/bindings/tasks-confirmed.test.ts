import { Redis } from "ioredis";
import { beforeEach, expect, test, vi } from "vitest";
import { tasksConfirmed, type TasksConfirmed } from "../../../runner/bindings/tasks-confirmed.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { TooFewReplicasError } from "../../../shared/io/redis/confirm.ts";

const confirm = vi.fn<() => Promise<void>>();
const onTooFew = vi.fn<() => void>();
const published: string[] = [];
let tasks: TasksConfirmed;
beforeEach(() => {
  confirm.mockReset().mockResolvedValue();
  onTooFew.mockReset();
  published.length = 0;
  const events = {
    publish: ({ level, message }: SystemEvent) => void published.push(`${level} ${message}`),
    flush: async () => undefined,
  };
  // Never connected: it only stands for the connection whose server is compared.
  const redis = new Redis({ lazyConnect: true });
  tasks = tasksConfirmed({ redis, confirm, events }, { onTooFew });
});

test("one confirmation covers all attempts of the batches before it, and a new batch needs another", async () => {
  tasks.delivered();
  await tasks.beforeAttempt();
  await tasks.beforeAttempt();
  expect(confirm).toHaveBeenCalledTimes(1);
  tasks.delivered();
  await tasks.beforeAttempt();
  expect(confirm).toHaveBeenCalledTimes(2);
});

test("too few replicas are asked again before each attempt, reported once, and the group is kept", async () => {
  tasks.delivered();
  confirm.mockRejectedValue(new TooFewReplicasError("0 replicas had confirmed it", 0));
  for (let n = 0; n < 2; n += 1) await expect(tasks.beforeAttempt()).rejects.toThrow(/0 replicas/);
  expect(onTooFew).toHaveBeenCalledTimes(2);
  confirm.mockResolvedValue();
  await tasks.beforeAttempt();
  expect(published).toEqual([
    "WARNING no task is begun: 0 replicas had confirmed it; retrying",
    "INFO recovered: no task is begun",
  ]);
});

test("where Redis does not say how many replicas there are, another runner may do better", async () => {
  confirm.mockRejectedValue(new TooFewReplicasError("Redis did not say whether its replicas have it"));
  await expect(tasks.beforeAttempt()).rejects.toThrow(/did not say/);
  expect(onTooFew).not.toHaveBeenCalled();
});
