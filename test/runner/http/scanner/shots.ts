import * as fc from "fast-check";
import { oddHeads, oddTargets } from "./odd-shots.ts";
import { operationShots, type ShotOptions } from "./operation-shots.ts";
import type { Shot } from "./shot.ts";

/** Requests of every kind: as described, almost as described, and not at all. */
export function shotsFor(options: ShotOptions): fc.Arbitrary<Shot> {
  const asDescribed = options.description.operations.map((operation) => operationShots(operation, options));
  return fc.oneof(
    { weight: 10, arbitrary: fc.oneof(...asDescribed) },
    { weight: 2, arbitrary: oddTargets(options) },
    { weight: 1, arbitrary: oddHeads(options) },
  );
}

const BATCH_COUNT = 100;

/** The same shots for the same seed, without end. */
export function* shotStream(options: ShotOptions, seed: number): Generator<Shot, never> {
  const shots = shotsFor(options);
  for (let batch = 0; ; batch += 1) {
    yield* fc.sample(shots, { seed: seed + batch, numRuns: BATCH_COUNT });
  }
}
