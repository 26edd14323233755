-- Forgets rows of one client key.
-- KEYS: rows, order
-- ARGV: `<request>:<attempt>` of each
redis.call('HDEL', KEYS[1], unpack(ARGV))
redis.call('ZREM', KEYS[2], unpack(ARGV))
return {}
