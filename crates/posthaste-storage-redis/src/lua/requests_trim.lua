-- Forgets the oldest records of an hour.
-- KEYS: records of an hour
-- ARGV: how many
-- Answers the identities, behind each other, of those that have a key of their own
local apart = {}
for _, record in ipairs(redis.call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)) do
  if string.byte(record, 33) == 1 then apart[#apart + 1] = string.sub(record, 1, 16) end
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, ARGV[1] - 1)
return table.concat(apart)
