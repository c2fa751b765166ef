/**
 * The generic cell rate algorithm as scripts for the server, on the server's clock. Of each key and rule there is one number,
 * the tick at which everything that was taken is back; a key is gone when that has passed. Ticks are those of `Gcra`, but
 * do not come round: those since 1970 are whole numbers that a double holds, and so nothing is rounded either.
 *
 * KEYS are those of the rules; ARGV is the count, the most that a key may owe in ticks, and of each rule the increment, the
 * capacity and the microseconds of a tick.
 */
import { Script } from './script.ts';

/** What both begin with: how far ahead of now each key is. Whatever else stands there counts as nothing. */
const LOOK = `
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local count, owedMax = tonumber(ARGV[1]), tonumber(ARGV[2])
local nowTicks, aheads = {}, {}
local function rule(i)
  return tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
end
for i = 1, #KEYS do
  local _, capacity, tickUs = rule(i)
  nowTicks[i] = math.floor(nowUs / tickUs + 0.5)
  local ahead = (tonumber(redis.call('GET', KEYS[i]) or '') or 0) - nowTicks[i]
  if not (ahead >= 0) then ahead = 0 end
  aheads[i] = math.min(ahead, math.max(capacity, owedMax))
end
local function take(i)
  local increment, capacity, tickUs = rule(i)
  aheads[i] = math.min(aheads[i] + count * increment, math.max(capacity, owedMax))
  redis.call('SET', KEYS[i], string.format('%.0f', nowTicks[i] + aheads[i]), 'PX', math.ceil(aheads[i] * tickUs / 1000))
end
`;

/** Takes from all rules or from none. Answers the position of the rule that refuses, or -1, and how far ahead each key is. */
export const takeScript = new Script(`${LOOK}
local refusing = -1
for i = #KEYS, 1, -1 do
  local increment, capacity = rule(i)
  if aheads[i] + count * increment > capacity then refusing = i - 1 end
end
if refusing < 0 then
  for i = 1, #KEYS do take(i) end
end
return {refusing, unpack(aheads)}
`);

/** Takes what has been let pass already, also more than there was. Answers how far ahead each key is. */
export const settleScript = new Script(`${LOOK}
if count > 0 then
  for i = 1, #KEYS do take(i) end
end
return aheads
`);
