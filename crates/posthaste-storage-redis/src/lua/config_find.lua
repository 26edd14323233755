-- KEYS: records, lookups
-- ARGV: look-up name
-- Answers {id, version, look-up name, body}, or {}
local id = redis.call('HGET', KEYS[2], ARGV[1])
if not id then return {} end
local found = redis.call('HMGET', KEYS[1], id .. ':version', id .. ':lookup', id .. ':body')
return {id, found[1], found[2], found[3]}
