-- KEYS: client keys that have rows, index
-- ARGV: 34 bytes for each row: request and attempt (18), client key
-- Answers the numbers, from 0, of rows whose identity another client key has booked
local told, seen = ARGV[1], {}
local foreign, names, callers = {}, {}, {}
for at = 1, #told, 34 do
  local name = string.sub(told, at, at + 33)
  local row, key = string.sub(name, 1, 18), string.sub(name, 19)
  local last = '[' .. row .. string.rep('\255', 16)
  local found = seen[row] or redis.call('ZRANGEBYLEX', KEYS[2], '[' .. row, last, 'LIMIT', 0, 1)[1]
  if not found then
    names[#names + 1], names[#names + 2] = 0, name
    if not seen[key] then callers[#callers + 1] = key end
    seen[key] = true
  elseif found ~= name then
    foreign[#foreign + 1] = (at - 1) / 34
  end
  seen[row] = found or name
end
if #names > 0 then
  redis.call('ZADD', KEYS[2], unpack(names))
  redis.call('SADD', KEYS[1], unpack(callers))
end
return foreign
