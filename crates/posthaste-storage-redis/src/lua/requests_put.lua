-- KEYS: records of an hour
-- ARGV: milliseconds to keep them, then the records, each behind its request's identity (16 bytes)
-- Answers 1 when there were none of that hour
local fresh = 1 - redis.call('EXISTS', KEYS[1])
local members = {}
for at = 2, #ARGV do
  local request = string.sub(ARGV[at], 1, 16)
  redis.call('ZREMRANGEBYLEX', KEYS[1], '[' .. request, '[' .. request .. string.rep('\255', 17))
  members[#members + 1], members[#members + 2] = 0, ARGV[at]
end
redis.call('ZADD', KEYS[1], unpack(members))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return fresh
