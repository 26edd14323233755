-- Forgets sums of one client key's span, and the span with them once none are left.
-- KEYS: spans, sums
-- ARGV: the span's start, then the sums' fields; all sums where there are none
if #ARGV == 1 then
  redis.call('DEL', KEYS[2])
else
  -- `unpack` has room for some thousand values only.
  for at = 2, #ARGV do redis.call('HDEL', KEYS[2], ARGV[at]) end
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return {}
