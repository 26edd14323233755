-- KEYS: records, lookups, ids, revision, changes
-- ARGV: id, expected version, kind, length of the feed
local id = ARGV[1]

if redis.call('HGET', KEYS[1], id .. ':version') ~= ARGV[2] then return 'conflict' end

local name = redis.call('HGET', KEYS[1], id .. ':lookup')
if name then redis.call('HDEL', KEYS[2], name) end
redis.call('HDEL', KEYS[1], id .. ':version', id .. ':lookup', id .. ':body')
redis.call('ZREM', KEYS[3], id)
local revision = string.format('%.0f', redis.call('INCR', KEYS[4]))
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[4], revision .. '-0', 'kind', ARGV[3], 'id', id)
return 'done'
