-- KEYS: records, lookups, ids, revision, changes
-- ARGV: id, expected version (empty for none), new version, `1` when there is a look-up name, look-up name, body, kind,
--       length of the feed
local id, name = ARGV[1], ARGV[4] == '1' and ARGV[5]

if (redis.call('HGET', KEYS[1], id .. ':version') or '') ~= ARGV[2] then return 'conflict' end
if name then
  local owner = redis.call('HGET', KEYS[2], name)
  if owner and owner ~= id then return 'taken' end
end

tell(KEYS[4], KEYS[5], ARGV[7], id, ARGV[8])
local former = redis.call('HGET', KEYS[1], id .. ':lookup')
if former then redis.call('HDEL', KEYS[2], former) end
redis.call('HSET', KEYS[1], id .. ':version', ARGV[3], id .. ':body', ARGV[6])
if name then
  redis.call('HSET', KEYS[1], id .. ':lookup', name)
  redis.call('HSET', KEYS[2], name, id)
else
  redis.call('HDEL', KEYS[1], id .. ':lookup')
end
redis.call('ZADD', KEYS[3], 0, id)
return 'done'
