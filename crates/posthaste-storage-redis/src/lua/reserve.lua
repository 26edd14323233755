-- KEYS: leases, book, then a key for each counter of a window
-- ARGV: lease, now, end, milliseconds to keep the keys, then seven for each check:
--       place (`held`, `past` for a window that has ended, or the number of the counter's key), counter, amount, limit,
--       `1` when it may not refuse, milliseconds until the window's end (empty for none), when a rolling window that
--       opens now ends (empty for others)
-- A rolling window is a hash of `used`, `opened` and `end`; moments are exact as doubles until 2255.
-- Answers {1} and for each check where its counter stands and when its rolling window ends (empty for others), or {0, number of the check from 0, where its counter stands, when its rolling window ends}
local leases, book = KEYS[1], KEYS[2]
local lease, now, until_, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local FIRST, WIDTH = 5, 7

-- What a rolling window holds, when it opened and when it ends; nothing when none is open.
local function open(place)
  local found = redis.call('HMGET', KEYS[tonumber(place)], 'used', 'opened', 'end')
  if found[3] and tonumber(found[3]) > tonumber(now) then return found end
end

local function used(place, counter, rolling)
  if rolling ~= '' then
    local found = open(place)
    return parse(found and found[1] or '0')
  end
  if place == HELD then return parse(redis.call('HGET', book, 'held:' .. counter) or '0') end
  if place == 'past' then return {0, 0} end
  return parse(redis.call('GET', KEYS[tonumber(place)]) or '0')
end

-- Answers when the rolling window opened that it counted in.
local function count(place, counter, amount, window, rolling)
  if place == HELD then
    hold(book, counter, amount)
  elseif rolling ~= '' then
    local key, found = KEYS[tonumber(place)], open(place)
    if found then
      redis.call('HSET', key, 'used', text(plus(parse(found[1]), amount)))
      return found[2]
    end
    redis.call('HSET', key, 'used', text(amount), 'opened', now, 'end', rolling)
    redis.call('PEXPIRE', key, window)
    return now
  elseif place ~= 'past' then
    local sum = text(plus(used(place, counter, rolling), amount))
    if window == '' then
      redis.call('SET', KEYS[tonumber(place)], sum)
    else
      redis.call('SET', KEYS[tonumber(place)], sum, 'PX', window)
    end
  end
end

local function granted()
  local answer = {1}
  for at = FIRST, #ARGV, WIDTH do
    local found = ARGV[at + 6] ~= '' and open(ARGV[at])
    answer[#answer + 1] = text(used(ARGV[at], ARGV[at + 1], ARGV[at + 6]))
    answer[#answer + 1] = found and found[3] or ''
  end
  return answer
end

sweep(leases, book, now)
if redis.call('ZSCORE', leases, lease) then
  redis.call('ZADD', leases, until_, lease)
  keep(leases, book, ttl)
  return granted()
end

-- A counter that is named twice is checked for the sum, and noted once.
local sums = {}
for at = FIRST, #ARGV, WIDTH do
  local counter = ARGV[at + 1]
  sums[counter] = plus(sums[counter] or {0, 0}, parse(ARGV[at + 2]))
end

for at = FIRST, #ARGV, WIDTH do
  if ARGV[at + 4] ~= '1' then
    local stands = used(ARGV[at], ARGV[at + 1], ARGV[at + 6])
    if less(parse(ARGV[at + 3]), plus(stands, sums[ARGV[at + 1]])) then
      local found = ARGV[at + 6] ~= '' and open(ARGV[at])
      return {0, (at - FIRST) / WIDTH, text(stands), found and found[3] or ""}
    end
  end
end

local reserved = {}
for at = FIRST, #ARGV, WIDTH do
  local counter = ARGV[at + 1]
  local sum = sums[counter]
  if sum then
    local opened = count(ARGV[at], counter, sum, ARGV[at + 5], ARGV[at + 6])
    reserved[#reserved + 1] = {ARGV[at] == HELD and HELD or 'window', counter, text(sum), opened}
    sums[counter] = nil
  end
end
redis.call('ZADD', leases, until_, lease)
redis.call('HSET', book, 'lease:' .. lease, cjson.encode(reserved))
keep(leases, book, ttl)
return granted()
