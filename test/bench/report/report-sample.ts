import type { Report } from "./report.ts";

/** A report for tests with everything in it: goals met and missed, notes, markup characters and a failed measure. */
export const SAMPLE: Report = {
  startedAt: "2026-01-05T10:00:12.345Z",
  command: "npm run bench",
  scale: 1,
  surroundings: {
    cpu: "Example <CPU> & more",
    cores: 2,
    memoryGb: 24,
    kernel: "Linux 6.1 x64",
    node: "20.20.2",
    redis: "Redis 7.0.15",
    postgres: "PostgreSQL 18.4",
    commit: { id: "93591ff", changed: true },
    loadAverage: 0.12,
  },
  results: [
    {
      id: "routing",
      title: "Routing",
      seconds: 5.1,
      figures: [
        { name: "routing, one router", value: 26_412, unit: "signals/s", goal: { least: 25_000 } },
        { name: "tasks dispatched", value: 95_083, unit: "tasks/s" },
        { name: "Redis per signal", value: 31.26, unit: "µs", goal: { most: 30 } },
      ],
    },
    {
      id: "latency",
      title: "Latency",
      seconds: 26,
      figures: [
        {
          name: "sent → read, p50",
          value: 0.6219,
          unit: "ms",
          goal: { most: 1 },
          note: "includes | the client",
        },
      ],
    },
    { id: "bullmq", title: "BullMQ", seconds: 1, figures: [], error: "99 tasks, not 100\nand more output" },
  ],
  outstanding: [],
};
