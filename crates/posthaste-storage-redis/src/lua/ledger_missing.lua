-- KEYS: books of one client key
-- ARGV: name of each row (19 bytes)
-- Answers the numbers, from 0, of those that are not there
local missing = {}
for at, id in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[1], id) == 0 then missing[#missing + 1] = at - 1 end
end
return missing
