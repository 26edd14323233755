-- KEYS: records, ids
-- ARGV: where to begin, as ZRANGEBYLEX reads it; how many
-- Answers {id, version, look-up name, body} of each
local list = {}
for at, id in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])) do
  local found = redis.call('HMGET', KEYS[1], id .. ':version', id .. ':lookup', id .. ':body')
  list[at] = {id, found[1], found[2], found[3]}
end
return list
