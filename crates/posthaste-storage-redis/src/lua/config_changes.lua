-- KEYS: revision, changes
-- ARGV: the first revision that is wanted
-- Answers {revision, the feed's first entry or {}, the wanted entries}; entries are {id, {`kind`, kind, `id`, id}}
return {
  redis.call('GET', KEYS[1]) or '0',
  redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1),
  redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', '+'),
}
