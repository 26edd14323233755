-- Writes an entry of a journal behind the last one.
-- KEYS: the journal's stream
-- ARGV: number, moment, text, the number that the first entry has
-- Answers 1, also when this very entry is the last one already; 0 when another is
local number = tonumber(ARGV[1])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local stands = last and tonumber(string.match(last[1], '^%d+')) or tonumber(ARGV[4]) - 1
if last and stands == number and last[2][2] == ARGV[2] and last[2][4] == ARGV[3] then return 1 end
if number ~= stands + 1 then return 0 end
redis.call('XADD', KEYS[1], ARGV[1] .. '-0', 'at', ARGV[2], 'text', ARGV[3])
return 1
