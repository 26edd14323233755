-- KEYS: leases, book
-- ARGV: lease, now, end, milliseconds to keep the keys
-- Answers whether the lease was held
sweep(KEYS[1], KEYS[2], ARGV[2])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
keep(KEYS[1], KEYS[2], ARGV[4])
return 1
