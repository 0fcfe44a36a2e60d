/** What the server's refusal of a database means, for people; undefined when the reply is about something else. */
export function databaseRefusal(database: number, reply: string): string | undefined {
  const advice = ADVICE.find(([pattern]) => pattern.test(reply))?.[1];
  if (advice === undefined) return undefined;
  return `REDIS_URL names database ${database}, which cannot be used: ${advice} (Redis said: ${reply})`;
}

const ADVICE: readonly (readonly [reply: RegExp, advice: string])[] = [
  [
    /^NOPERM/,
    "its user may not run SELECT; give it the permission (ACL SETUSER <user> +select), or leave the number out of REDIS_URL to use database 0",
  ],
  [
    /cluster/i,
    "a Redis Cluster has database 0 only; leave the number out of REDIS_URL, and keep routers apart with KEY_PREFIX",
  ],
  [
    /out of range|invalid DB index/i,
    "the server has no such database; name one that it has (CONFIG GET databases says how many), or keep routers apart with KEY_PREFIX",
  ],
  [
    /unknown command|unsupported|not supported|not allowed/i,
    "the server or a proxy in front of it does not know SELECT; leave the number out of REDIS_URL, and keep routers apart with KEY_PREFIX",
  ],
];
