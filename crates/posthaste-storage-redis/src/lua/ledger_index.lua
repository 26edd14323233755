-- KEYS: keys that have rows, index
-- ARGV: two for each row: `<request>:<attempt>`, client key
-- Answers the numbers, from 0, of rows whose identity another client key has booked
local foreign = {}
for at = 1, #ARGV, 2 do
  local id, key = ARGV[at], ARGV[at + 1]
  -- `;` is the character after `:`
  local found = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)[1]
  if not found then
    redis.call('ZADD', KEYS[2], 0, id .. ':' .. key)
    redis.call('SADD', KEYS[1], key)
  elseif found ~= id .. ':' .. key then
    foreign[#foreign + 1] = (at - 1) / 2
  end
end
return foreign
