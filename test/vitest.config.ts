import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { currentPace } from "./long/pace.ts";

const LONG = "test/**/*.long.test.ts";
const isQuick = currentPace() === "quick";

/** `npm test`: every test, on one Redis and one Postgres. */
export default defineConfig({
  root: resolve(import.meta.dirname, ".."),
  test: {
    include: [isQuick ? "test/**/*.test.ts" : LONG],
    exclude: isQuick ? [LONG] : [],
    globalSetup: ["test/servers/global-setup.ts"],
    setupFiles: ["test/servers/patience.ts"],
    pool: "forks",
    // Importing everything again for each file took a third of the processor time of the run.
    isolate: false,
    // Most tests wait for servers and processes most of the time: more than there are cores.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["functions/**/*.ts", "shared/**/*.ts"],
      // shared/io is tested with real servers and in other processes, which coverage does not measure.
      exclude: ["shared/io/**"],
      thresholds: { lines: 95, functions: 95, branches: 95, statements: 95 },
    },
  },
});
