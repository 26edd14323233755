-- Notes errors of an account in front of its list, and cuts the list.
-- KEYS: the account's list
-- ARGV: how many are kept, for how many milliseconds, then the errors, the oldest first
for at = 3, #ARGV do redis.call('LPUSH', KEYS[1], ARGV[at]) end
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[1]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
