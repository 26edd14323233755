-- KEYS: leases, book, then a key for each counter of a window
-- ARGV: lease, now, end, milliseconds to keep the keys, then six for each check:
--       place (`held`, `past` for a window that has ended, or the number of the counter's key), counter, amount, limit,
--       `1` when it may not refuse, milliseconds until the window's end (empty for none)
-- Answers {1}, or {0, number of the check from 0, where its counter stands}
local leases, book = KEYS[1], KEYS[2]
local lease, now, until_, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local FIRST, WIDTH = 5, 6

local function used(place, counter)
  if place == HELD then return parse(redis.call('HGET', book, 'held:' .. counter) or '0') end
  if place == 'past' then return {0, 0} end
  return parse(redis.call('GET', KEYS[tonumber(place)]) or '0')
end

local function count(place, counter, amount, window)
  if place == HELD then
    hold(book, counter, amount)
  elseif place ~= 'past' then
    local sum = text(plus(used(place, counter), amount))
    if window == '' then
      redis.call('SET', KEYS[tonumber(place)], sum)
    else
      redis.call('SET', KEYS[tonumber(place)], sum, 'PX', window)
    end
  end
end

sweep(leases, book, now)
if redis.call('ZSCORE', leases, lease) then
  redis.call('ZADD', leases, until_, lease)
  keep(leases, book, ttl)
  return {1}
end

for at = FIRST, #ARGV, WIDTH do
  if ARGV[at + 4] ~= '1' then
    local stands = used(ARGV[at], ARGV[at + 1])
    if less(parse(ARGV[at + 3]), plus(stands, parse(ARGV[at + 2]))) then
      return {0, (at - FIRST) / WIDTH, text(stands)}
    end
  end
end

local reserved = {}
for at = FIRST, #ARGV, WIDTH do
  count(ARGV[at], ARGV[at + 1], parse(ARGV[at + 2]), ARGV[at + 5])
  reserved[#reserved + 1] = {ARGV[at] == HELD and HELD or 'window', ARGV[at + 1], ARGV[at + 2]}
end
redis.call('ZADD', leases, until_, lease)
redis.call('HSET', book, 'lease:' .. lease, cjson.encode(reserved))
keep(leases, book, ttl)
return {1}
