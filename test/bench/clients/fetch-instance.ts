/** A new process of a serverless platform: loads the `fetch` entry, calls it once and prints these times as JSON. */
export interface InstanceTimes {
  /** From the start of the process until the entry is loaded, including the start of Node and of the loader. */
  readonly loadedMs: number;
  /** From then until the answer. */
  readonly handledMs: number;
  readonly status: number;
  readonly body: string;
}

/** Its JSON argument; the rest is in its environment. */
export interface InstanceTask {
  readonly path: string;
  readonly token: string;
}

const { path, token } = JSON.parse(process.argv[2] ?? "") as InstanceTask;
const { default: entry } = await import("../../../runner/fetch.ts");
const loadedMs = performance.now();
const headers = { authorization: `Bearer ${token}` };
const response = await entry.fetch(new Request(`https://router.example${path}`, { method: "POST", headers }));
const body = await response.text();
const times: InstanceTimes = {
  loadedMs,
  handledMs: performance.now() - loadedMs,
  status: response.status,
  body,
};
console.log(JSON.stringify(times));
process.exit(0);
