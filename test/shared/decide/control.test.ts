import { expect, test } from "vitest";
import { controlOf } from "../../../shared/decide/control.ts";

const NOTE = '{"by":"cli","at":1736942400000}';

test.each([
  [{}, { epoch: "0", allPaused: false, pausedStrategies: new Set() }],
  [{ epoch: "7" }, { epoch: "7", allPaused: false, pausedStrategies: new Set() }],
  [
    { epoch: "7", "*": NOTE },
    { epoch: "7", allPaused: true, pausedStrategies: new Set() },
  ],
  [
    { epoch: "9", "3": NOTE, "12": NOTE },
    { epoch: "9", allPaused: false, pausedStrategies: new Set([3, 12]) },
  ],
  [
    { "*": "", "3": "" },
    { epoch: "0", allPaused: true, pausedStrategies: new Set([3]) },
  ],
  [
    { epoch: "9", "-3": NOTE, x3: NOTE, "": NOTE },
    { epoch: "9", allPaused: false, pausedStrategies: new Set() },
  ],
])("the control hash %j", (hash, control) => {
  expect(controlOf(hash)).toEqual(control);
});
