/**
 * Answers in the store, on its clock. What is kept for an address and partition is one hash: a field for each selection, whose
 * value is when it was written, in microseconds and always as long, its tags, and the answer as `answer-encoding.ts`
 * writes it. What was purged is not looked for: that it was is noted, by address, by tag and by beginning, and whatever was
 * written before does not count. A note lives as long as an answer may.
 */
import { Script } from './script.ts';

const NOW = `
local time = redis.call('TIME')
local nowUs = string.format('%016.0f', time[1] * 1000000 + time[2])
`;

/**
 * KEYS: the answers, the note of the address, the notes of beginnings, the lock. ARGV: the address, what notes of tags begin
 * with, the bytes that may be answered, how long one alone may ask the service, in ms (0: as many as like).
 * Answers whether the asker may ask the service, then values without the time and the tags; or nothing.
 */
export const findScript = new Script(`
-- All of the same length, so they compare as they are.
local purgedUs = redis.call('GET', KEYS[2]) or ''
local fields = redis.call('HKEYS', KEYS[1])
if #fields > 0 then
  local prefixes = redis.call('HGETALL', KEYS[3])
  for i = 1, #prefixes, 2 do
    if string.sub(ARGV[1], 1, #prefixes[i]) == prefixes[i] and prefixes[i + 1] > purgedUs then purgedUs = prefixes[i + 1] end
  end
end
local found, bytes = {1}, 0
for _, field in ipairs(fields) do
  local value = redis.call('HGET', KEYS[1], field)
  local writtenUs = string.sub(value, 1, 16)
  local tagsEnd = string.find(value, '\\n\\n', 17, true)
  local isKept = tagsEnd ~= nil and writtenUs > purgedUs
  if isKept then
    for tag in string.gmatch(string.sub(value, 17, tagsEnd), '([^\\n]+)\\n') do
      if isKept and (redis.call('GET', ARGV[2] .. tag) or '') >= writtenUs then isKept = false end
    end
  end
  if not isKept then
    redis.call('HDEL', KEYS[1], field)
  elseif bytes + #value <= tonumber(ARGV[3]) then
    bytes = bytes + #value
    found[#found + 1] = string.sub(value, tagsEnd + 2)
  end
end
if #found == 1 and tonumber(ARGV[4]) > 0 then
  if not redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[4]) then found[1] = 0 end
end
return found
`);

/**
 * KEYS: the answers, the lock. ARGV: the selection, how long it is kept in ms, how many there may be, its tags, the answer, how long
 * ago the service was asked in microseconds: a purge since then makes it of no use, so it counts as written then.
 * Answers 1.
 */
export const putScript = new Script(`${NOW}
local askedUs = string.format('%016.0f', time[1] * 1000000 + time[2] - ARGV[6])
redis.call('HSET', KEYS[1], ARGV[1], askedUs .. ARGV[4] .. '\\n\\n' .. ARGV[5])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[3]) then
  local oldest, oldestAt
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local writtenAt = redis.call('HGET', KEYS[1], field)
    if field ~= ARGV[1] and (not oldestAt or string.sub(writtenAt, 1, 16) < oldestAt) then
      oldest, oldestAt = field, string.sub(writtenAt, 1, 16)
    end
  end
  redis.call('HDEL', KEYS[1], oldest)
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call('DEL', KEYS[2])
return 1
`);

/** KEYS: a note. ARGV: how long it lives in ms. Answers 1. */
export const noteScript = new Script(`${NOW}
redis.call('SET', KEYS[1], nowUs, 'PX', ARGV[1])
return 1
`);

/**
 * KEYS: the notes of beginnings. ARGV: a beginning, how long it lives in ms, how many there may be. With more, all that is kept
 * is purged. Answers 1.
 */
export const prefixScript = new Script(`${NOW}
local prefixes = redis.call('HGETALL', KEYS[1])
local count = 0
for i = 1, #prefixes, 2 do
  if tonumber(prefixes[i + 1]) + 1000 * tonumber(ARGV[2]) < tonumber(nowUs) then redis.call('HDEL', KEYS[1], prefixes[i]) else count = count + 1 end
end
local prefix = ARGV[1]
if count >= tonumber(ARGV[3]) then
  redis.call('DEL', KEYS[1])
  prefix = ''
end
redis.call('HSET', KEYS[1], prefix, nowUs)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/** KEYS: the answers, the lock. ARGV: the selection. Answers 1. */
export const forgetScript = new Script(`
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 1
`);
