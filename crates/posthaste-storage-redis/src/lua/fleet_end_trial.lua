-- KEYS: trial of the account
-- ARGV: relay, which of its trials
local held = redis.call('HMGET', KEYS[1], 'holder', 'trial')
if held[1] == ARGV[1] and held[2] == ARGV[2] then redis.call('DEL', KEYS[1]) end
