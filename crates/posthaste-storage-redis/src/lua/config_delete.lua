-- KEYS: records, lookups, ids, revision, changes
-- ARGV: id, expected version, kind, length of the feed
local id = ARGV[1]

if redis.call('HGET', KEYS[1], id .. ':version') ~= ARGV[2] then return 'conflict' end

tell(KEYS[4], KEYS[5], ARGV[3], id, ARGV[4])
local name = redis.call('HGET', KEYS[1], id .. ':lookup')
if name then redis.call('HDEL', KEYS[2], name) end
redis.call('HDEL', KEYS[1], id .. ':version', id .. ':lookup', id .. ':body')
redis.call('ZREM', KEYS[3], id)
return 'done'
