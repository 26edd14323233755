-- KEYS: health of some accounts
-- Answers what is known of each, as `HVALS` gives it
local known = {}
for at, key in ipairs(KEYS) do known[at] = redis.call('HVALS', key) end
return known
