-- Tells which leases of one owner hold something of a counter, those that lapse first in front. It looks at a part of the owner's
-- leases, so that the server is not held up for long by an owner of many.
-- KEYS: leases, book
-- ARGV: counter, behind which moment of lapsing, how many are looked at
-- Answers the last moment that was looked at, or nothing where no more leases lapse behind it, and then {lease, when it lapses} of
-- each. What a lease reserved is a list of kind, counter, amount and a moment of each counter.
local call, behind, most = redis.call, '(' .. ARGV[2], tonumber(ARGV[3])
local function text(moment) return string.format('%.0f', tonumber(moment)) end

local held, last = call('ZRANGEBYSCORE', KEYS[1], behind, '+inf', 'WITHSCORES', 'LIMIT', 0, most), ''
if #held == 2 * most then
  last = text(held[#held])
  -- All that lapse at that moment: the next part begins behind it.
  held = call('ZRANGEBYSCORE', KEYS[1], behind, last, 'WITHSCORES')
end
local found = {last}
for at = 1, #held, 2 do
  local noted = call('HGET', KEYS[2], held[at])
  local reserved = noted and cmsgpack.unpack(noted) or {}
  for place = 2, #reserved, 4 do
    if reserved[place] == ARGV[1] then
      found[#found + 1] = {held[at], text(held[at + 1])}
      break
    end
  end
end
return found
