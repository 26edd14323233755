-- Puts sums in the place of one roll-up.
-- KEYS: books, order
-- ARGV: the roll-up's name, its sums in MessagePack (empty for none)
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
end
return {}
