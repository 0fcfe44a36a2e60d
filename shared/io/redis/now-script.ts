/** `nowMs()`: Redis' clock, milliseconds since 1970. */
export const NOW_MS = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;
