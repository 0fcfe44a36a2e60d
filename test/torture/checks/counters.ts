import type { Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";
import { isLostEntry } from "../lost-entries.ts";

/** Every counter equals the number of rows it counts. */
export function counterViolations({ rows, outcomes, deadLetters, results, metrics }: Facts): Violation[] {
  const counted = new Map<string, number>();
  const count = (name: string): void => void counted.set(name, (counted.get(name) ?? 0) + 1);
  for (const { status, reason } of rows) {
    count(`signals:${status}`);
    if (reason !== null) count(`reasons:${reason}`);
  }
  for (const { strategy_id, status, stage } of outcomes) {
    count(`${stage === "routing" ? "strategy" : "execution"}:${strategy_id}:${status}`);
  }
  for (const { fields } of deadLetters) count(`dead_letters:${fields["function"]}`);
  const names = new Set(counted.keys());
  let measured = 0;
  for (const [name, value] of Object.entries(metrics)) {
    if (/^(?:signals|reasons|strategy|execution|dead_letters):/.test(name)) names.add(name);
    if (name.startsWith("processing_ms:process-signals:le:")) measured += Number(value);
  }
  const found = [...names].flatMap((name): Violation[] => {
    const expected = counted.get(name) ?? 0;
    const counter = Number(metrics[name] ?? 0);
    return counter === expected ? [] : [{ text: `counter ${name} is ${counter}; expected ${expected}` }];
  });
  const committed =
    results.length +
    deadLetters.filter((letter) => letter.fields["stream"] === "signals_stream" && !isLostEntry(letter))
      .length;
  if (measured !== committed)
    found.push({ text: `processing times of ${measured} signals for ${committed} committed ones` });
  return found;
}
