-- The leases of one owner. `leases` is a sorted set of lease by end; `book` is a hash that holds under `lease:<id>` what
-- a lease reserved, as a list of {place, counter, amount}, and under `held:<counter>` the sum that leases hold now.
local HELD = 'held'

local function hold(book, counter, amount)
  local field = 'held:' .. counter
  local held = plus(parse(redis.call('HGET', book, field) or '0'), amount)
  if less({0, 0}, held) then
    redis.call('HSET', book, field, text(held))
  else
    redis.call('HDEL', book, field)
  end
end

-- Ends a lease and gives back what it holds; answers what it had reserved.
local function release(leases, book, lease)
  redis.call('ZREM', leases, lease)
  local noted = redis.call('HGET', book, 'lease:' .. lease)
  if not noted then return {} end
  redis.call('HDEL', book, 'lease:' .. lease)
  local reserved = cjson.decode(noted)
  for _, entry in ipairs(reserved) do
    if entry[1] == HELD then hold(book, entry[2], minus({0, 0}, parse(entry[3]))) end
  end
  return reserved
end

-- Releases the leases that have lapsed at `now`.
local function sweep(leases, book, now)
  for _, lease in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    release(leases, book, lease)
  end
  -- With no lease left nothing is held, whatever the sums say.
  if redis.call('EXISTS', leases) == 0 then redis.call('DEL', book) end
end

-- Lets both keys live for at least `ttl` milliseconds more.
local function keep(leases, book, ttl)
  if redis.call('PTTL', leases) < tonumber(ttl) then
    redis.call('PEXPIRE', leases, ttl)
    redis.call('PEXPIRE', book, ttl)
  end
end
