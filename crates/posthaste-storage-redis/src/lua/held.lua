-- KEYS: leases, book
-- ARGV: now, counter
-- Answers what leases hold of the counter
sweep(KEYS[1], KEYS[2], ARGV[1])
return redis.call('HGET', KEYS[2], 'held:' .. ARGV[2]) or '0'
