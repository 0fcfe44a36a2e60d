import { serverlessApp } from "./serverless/app.ts";

/** Entry point for platforms that call a `fetch` handler and have Node's modules. */
const app = serverlessApp({
  env: () => process.env,
  // Each platform has its own way to give it. Without it no address is trusted.
  peerAddressOf: () => undefined,
});

export default { fetch: app.fetch };
