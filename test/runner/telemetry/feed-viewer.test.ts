import { expect, test } from "vitest";
import type { FeedItem } from "../../../runner/telemetry/feed-items.ts";
import { feedViewer, WAITING_MAX } from "../../../runner/telemetry/feed-viewer.ts";

const item = (n: number): FeedItem => ({ id: `${n}-0` }) as FeedItem;
const items = (from: number, count: number) => Array.from({ length: count }, (_, n) => item(from + n));
const LONG_MS = 600_000;

test("a viewer has what came since it last asked, at once or as soon as it comes", async () => {
  const viewer = feedViewer({ onClose: () => undefined });
  viewer.push(items(1, 2));
  expect(await viewer.next(LONG_MS)).toEqual({ items: items(1, 2), missed: 0 });
  const next = viewer.next(LONG_MS);
  viewer.push([]);
  viewer.push(items(3, 1));
  expect(await next).toEqual({ items: items(3, 1), missed: 0 });
  expect(await viewer.next(0)).toEqual({ items: [], missed: 0 });
});

test("of more than a viewer reads the newest are kept, and the others counted", async () => {
  const viewer = feedViewer({ onClose: () => undefined });
  for (let n = 0; n < 3; n += 1) viewer.push(items(n * WAITING_MAX, WAITING_MAX));
  const part = await viewer.next(LONG_MS);
  expect(part?.missed).toBe(2 * WAITING_MAX);
  expect(part?.items).toEqual(items(2 * WAITING_MAX, WAITING_MAX));
});

test("a viewer that is closed, or whose feed ends, waits for nothing more", async () => {
  let closed = 0;
  const viewer = feedViewer({ onClose: () => (closed += 1) });
  const next = viewer.next(LONG_MS);
  viewer.close();
  viewer.push(items(1, 1));
  expect([await next, await viewer.next(LONG_MS), closed]).toEqual([undefined, undefined, 1]);
});
