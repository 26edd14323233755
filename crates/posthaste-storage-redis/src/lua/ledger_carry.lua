-- Puts sums in the place of one roll-up.
-- KEYS: spans, sums
-- ARGV: the span's start, number of the roll-up's fields, these, then field and amount of each sum that is not zero
local fields = tonumber(ARGV[2])
for at = 3, 2 + fields do redis.call('HDEL', KEYS[2], ARGV[at]) end
for at = 3 + fields, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('ZADD', KEYS[1], ARGV[1], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return {}
