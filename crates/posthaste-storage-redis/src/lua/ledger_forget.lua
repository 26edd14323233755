-- Forgets rows or roll-ups of one client key.
-- KEYS: books, order
-- ARGV: the name of each
redis.call('HDEL', KEYS[1], unpack(ARGV))
redis.call('ZREM', KEYS[2], unpack(ARGV))
return {}
