import { Redis } from "ioredis";
import { keysOf } from "../../../shared/keys.ts";
import { signalAt, tasksOf, WORKLOAD } from "../workload.ts";
import { entriesIn, offerLoad, tasksIn, type LoadTimes } from "./offered-load.ts";

/** A client that measures latency: the JSON argument it is started with. */
export interface LatencyTask {
  readonly url: string;
  /** `routed`: from a signal to its first task; `bare`: from an entry of another stream to a group of the client. */
  readonly way: "routed" | "bare";
  readonly count: number;
  readonly perSecond: number;
  readonly warmUp: number;
}

/** The JSON it prints. */
export type LatencyAnswer = LoadTimes;

const BARE_STREAM = "bare_stream";
const BARE_GROUP = "bare_group";

const { url, way, ...rate } = JSON.parse(process.argv[2] ?? "") as LatencyTask;
const keys = keysOf("");
const redis = new Redis(url);
const blocking = new Redis(url);
const stream = way === "routed" ? keys.stream("signals_stream") : BARE_STREAM;
if (way === "bare") await redis.xgroup("CREATE", BARE_STREAM, BARE_GROUP, "0", "MKSTREAM");

const times = await offerLoad({
  ...rate,
  async send(i) {
    const fields = Object.entries(signalAt(i, WORKLOAD, Date.now())).flat();
    return String(await redis.xadd(stream, "*", ...fields));
  },
  waitForIds:
    way === "routed"
      ? tasksIn(blocking, keys.stream("strategy_input_stream"))
      : entriesIn(blocking, BARE_STREAM, BARE_GROUP),
  idsExpected: way === "routed" ? tasksOf(rate.count, WORKLOAD) : rate.count,
});
redis.disconnect();
blocking.disconnect();
console.log(JSON.stringify(times satisfies LatencyAnswer));
