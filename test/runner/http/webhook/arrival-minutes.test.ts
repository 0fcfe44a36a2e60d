import { expect, it } from "vitest";
import { arrivalMinutes } from "../../../../runner/http/webhook/arrival-minutes.ts";

const NOON = Date.UTC(2025, 0, 15, 12);
const ALERT = { source: "text", body: "EMA_CROSS_LONG BTCUSDT" };

it("the minute of an alert is the one it arrives in", () => {
  const { minuteOf } = arrivalMinutes();
  expect([0, 1, 59_999, 60_000].map((ms) => minuteOf(ALERT, NOON + ms) - NOON)).toEqual([0, 0, 0, 60_000]);
});

it("an alert that was not confirmed keeps its minute when it is sent again, and for no longer", () => {
  const { minuteOf, keep } = arrivalMinutes();
  const at = NOON + 58_000;
  keep(ALERT, minuteOf(ALERT, at), at);
  expect(minuteOf(ALERT, at + 5_000)).toBe(NOON);
  expect(minuteOf(ALERT, at + 59_999)).toBe(NOON);
  expect(minuteOf(ALERT, at + 60_000)).toBe(NOON + 60_000);
  expect(minuteOf({ ...ALERT, body: "EMA_CROSS_LONG ETHUSDT" }, at + 5_000)).toBe(NOON + 60_000);
  expect(minuteOf({ ...ALERT, source: "other" }, at + 5_000)).toBe(NOON + 60_000);
});

it("what is kept has an end, however many alerts are not confirmed", () => {
  const { minuteOf, keep } = arrivalMinutes();
  for (let n = 0; n < 12_000; n += 1) keep({ ...ALERT, body: String(n) }, NOON, NOON);
  expect(minuteOf({ ...ALERT, body: "0" }, NOON + 59_000 + 1_000)).toBe(NOON + 60_000);
  expect(minuteOf({ ...ALERT, body: "11999" }, NOON + 59_999)).toBe(NOON);
});
