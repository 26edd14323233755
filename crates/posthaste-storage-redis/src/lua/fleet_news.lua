-- KEYS: news
-- ARGV: the first number that is wanted, how many at most
-- Answers {the feed's last entry or {}, the wanted entries}; entries are {id, {`after`, number before it, `news`, news}}
return {
  redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1),
  redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', '+', 'COUNT', ARGV[2]),
}
