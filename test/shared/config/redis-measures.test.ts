import { expect, test } from "vitest";
import {
  blockingRemark,
  clockRemark,
  latencyRemark,
  memoryRemark,
} from "../../../shared/config/redis-measures.ts";

test.each([
  [latencyRemark(0.26), "ok", /0\.3 ms/],
  [latencyRemark(10), "ok", /10 ms/],
  [latencyRemark(40.4), "warning", /40 ms \(median\).*nearer/],
  [memoryRemark({ used: 52_428_800, max: 0 }), "ok", /50 MB.*without a limit/],
  [memoryRemark({ used: 79, max: 100 }), "ok", /79 %/],
  [memoryRemark({ used: 80, max: 100 }), "warning", /80 %.*maxmemory/],
  [memoryRemark({ used: null, max: 100 }), "ok", /does not report/],
  [blockingRemark({ asked: 2000, took: 2001 }), "ok", /2000 ms/],
  [blockingRemark({ asked: 2000, took: 31 }), "fault", /after 31 ms instead of 2000.*proxy/],
  [clockRemark("this machine's clock", -5000), "ok", /5\.0 s/],
  [clockRemark("this machine's clock", 5001), "warning", /5\.0 s ahead of Redis'.*NTP/],
  [clockRemark("Postgres' clock", -61_000), "warning", /61\.0 s behind Redis'/],
])("%j", (remark, kind, message) => {
  expect(remark).toEqual({ kind, message: expect.stringMatching(message) });
});
