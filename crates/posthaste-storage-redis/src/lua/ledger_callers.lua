-- KEYS: index
-- ARGV: `<request>:<attempt>` of each row
-- Answers the client key of each, or nothing where the index does not name it
local callers = {}
for at, id in ipairs(ARGV) do
  -- `;` is the character after `:`
  local found = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. id .. ':', '(' .. id .. ';', 'LIMIT', 0, 1)[1]
  callers[at] = found and string.sub(found, #id + 2) or false
end
return callers
