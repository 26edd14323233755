-- KEYS: index
-- ARGV: request and attempt of each row (18 bytes)
-- Answers the client key of each (16 bytes), or nothing where the index does not name it
local callers = {}
local last = string.rep('\255', 16)
for at, id in ipairs(ARGV) do
  local found = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. id, '[' .. id .. last, 'LIMIT', 0, 1)[1]
  callers[at] = found and string.sub(found, #id + 1) or false
end
return callers
