-- Tells which leases of one owner hold something of a counter, those that lapse first in front.
-- KEYS: leases, book
-- ARGV: counter, now, how many at most
-- Answers {lease, when it lapses} of each. What a lease reserved is a list of kind, counter, amount and a moment of each counter.
local found, most = {}, tonumber(ARGV[3])
local held = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, 10000)
for at = 1, #held, 2 do
  if #found == most then break end
  local noted = redis.call('HGET', KEYS[2], held[at])
  local reserved = noted and cmsgpack.unpack(noted) or {}
  for place = 2, #reserved, 4 do
    if reserved[place] == ARGV[1] then
      found[#found + 1] = {held[at], string.format('%.0f', tonumber(held[at + 1]))}
      break
    end
  end
end
return found
