-- Takes steps on the limits of one owner, one after the other.
-- KEYS: leases, book, and the totals where a step names one
-- ARGV: the steps in MessagePack, a list each:
--       {RESERVE, lease, now, microseconds that it holds, check, …}; a check is {kind, counter, amount, limit}, for a SPAN with
--         the milliseconds until it is swept, for a ROLLING with these and with the moment when it ends if it opens now. Its
--         kind is SHADOW more where it may not refuse
--       {RENEW, lease, now, microseconds}
--       {SETTLE, lease, now, counter, truth, …}
--       {LOOK, counter, now}
-- Answers a line for each step: `1` and for each check where its counter stands and when its rolling window ends (`-` for
-- others), or `0`, the number of the check from 0 and these two; `1` when the lease is held, else `0`; nothing; what leases hold.
--
-- `leases` is a sorted set of lease by end. `book` is a hash: a lease's field (16 bytes) holds what it reserved, a list of
-- {kind, counter, amount, when its window opened} in MessagePack, a counter's (8 bytes) what is held or counted, and `windows`
-- which windows are to be swept when by the server's clock. A rolling window is {used, opened, end} in MessagePack. Moments
-- are exact as doubles until 2255.
local leases, book, totals = KEYS[1], KEYS[2], KEYS[3]
local RESERVE, RENEW, SETTLE = 0, 1, 2
local HELD, SPAN, ROLLING, TOTAL, PAST, SHADOW = 0, 1, 2, 3, 4, 8
local SLACK = 60000

-- Ends a lease: gives back what it holds, and puts the truths that are told in the place of what it reserved.
local function finish(lease, told)
  local noted = redis.call('HGET', book, lease)
  if not noted then return end
  local reserved, names, found = cmsgpack.unpack(noted), {}, {}
  for at, entry in ipairs(reserved) do names[at] = entry[2] end
  if #names > 0 then found = redis.call('HMGET', book, unpack(names)) end
  local gone, set = {lease}, {}
  for at, entry in ipairs(reserved) do
    local kind, counter, amount = entry[1], entry[2], whole(entry[3])
    local truth = told and told[counter]
    if kind == HELD then
      local left = minus(whole(found[at] or 0), amount)
      if less(0, left) then
        set[#set + 1], set[#set + 2] = counter, text(left)
      else
        gone[#gone + 1] = counter
      end
    elseif kind == TOTAL and truth then
      local stands = whole(redis.call('HGET', totals, counter) or 0)
      redis.call('HSET', totals, counter, text(plus(minus(stands, amount), truth)))
    elseif kind == SPAN and truth and found[at] then
      -- A window that has ended is forgotten and must not come back.
      set[#set + 1], set[#set + 2] = counter, text(plus(minus(whole(found[at]), amount), truth))
    elseif kind == ROLLING and truth and found[at] then
      local window = cmsgpack.unpack(found[at])
      if window[2] == entry[4] then
        window[1] = flat(plus(minus(whole(window[1]), amount), truth))
        set[#set + 1], set[#set + 2] = counter, cmsgpack.pack(window)
      end
    end
  end
  redis.call('HDEL', book, unpack(gone))
  if #set > 0 then redis.call('HSET', book, unpack(set)) end
end

-- Releases the leases that have lapsed.
local function sweep(now)
  for _, lease in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    redis.call('ZREM', leases, lease)
    finish(lease)
  end
end

local function outlive(key, milliseconds)
  if redis.call('PTTL', key) < milliseconds then redis.call('PEXPIRE', key, milliseconds) end
end

-- Holds a lease from now on. Both keys outlive it by one to two slacks, so that they need not be told each time.
local function hold(lease, now, microseconds)
  redis.call('ZADD', leases, now + microseconds, lease)
  local milliseconds = math.ceil(microseconds / 1000)
  if redis.call('PTTL', leases) < milliseconds + SLACK then
    redis.call('PEXPIRE', leases, milliseconds + 2 * SLACK)
    outlive(book, milliseconds + 2 * SLACK)
  end
end

-- Notes when windows that have just opened are to be swept, and sweeps those whose time has come.
local function note(opened)
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  local noted = redis.call('HGET', book, 'windows')
  local kept, gone = {}, {}
  for counter, milliseconds in pairs(opened) do
    kept[#kept + 1], kept[#kept + 2] = counter, now + milliseconds
    outlive(book, milliseconds)
  end
  noted = noted and cmsgpack.unpack(noted) or {}
  for at = 1, #noted, 2 do
    if not opened[noted[at]] then
      if noted[at + 1] > now then
        kept[#kept + 1], kept[#kept + 2] = noted[at], noted[at + 1]
      else
        gone[#gone + 1] = noted[at]
      end
    end
  end
  redis.call('HSET', book, 'windows', cmsgpack.pack(kept))
  if #gone > 0 then redis.call('HDEL', book, unpack(gone)) end
end

-- Reads the counters of a claim. Answers what the book says of the lease, and by counter: where it stands, its rolling window
-- where one is open, and whether it is there at all.
local function read(lease, now, checks)
  local names, asked, others = {lease}, {[lease] = true}, {}
  for _, check in ipairs(checks) do
    local counter, list = check[2], check.kind == TOTAL and others or names
    if check.kind ~= PAST and not asked[counter] then
      asked[counter] = true
      list[#list + 1] = counter
    end
  end
  local found, values = redis.call('HMGET', book, unpack(names)), {}
  for at, counter in ipairs(names) do values[counter] = found[at] end
  if #others > 0 then
    found = redis.call('HMGET', totals, unpack(others))
    for at, counter in ipairs(others) do values[counter] = found[at] end
  end
  local stands, windows, alive = {}, {}, nil
  for _, check in ipairs(checks) do
    local counter = check[2]
    local value = values[counter]
    if check.kind == ROLLING then
      local window = value and cmsgpack.unpack(value)
      if window and window[3] > now then windows[counter] = window end
      stands[counter] = window and window[3] > now and whole(window[1]) or 0
    else
      if check.kind == HELD and value then
        -- With no lease left nothing is held, whatever the sum says.
        if alive == nil then alive = redis.call('EXISTS', leases) == 1 end
        value = alive and value
      end
      stands[counter] = whole(value or 0)
    end
  end
  return values[lease], stands, windows, values
end

local function granted(checks, stands, windows)
  local line = {'1'}
  for _, check in ipairs(checks) do
    local window = windows[check[2]]
    line[#line + 1] = text(stands[check[2]])
    line[#line + 1] = window and text(window[3]) or '-'
  end
  return table.concat(line, ' ')
end

local function reserve(step)
  local lease, now, microseconds, checks = step[2], step[3], step[4], {}
  for at = 5, #step do
    local check = step[at]
    check.shadow = check[1] >= SHADOW
    check.kind = check.shadow and check[1] - SHADOW or check[1]
    checks[#checks + 1] = check
  end
  local known, stands, windows, values = read(lease, now, checks)
  if known then
    hold(lease, now, microseconds)
    return granted(checks, stands, windows)
  end

  -- A counter that is named twice is checked for the sum, and noted once.
  local sums = {}
  for _, check in ipairs(checks) do
    sums[check[2]] = plus(sums[check[2]] or 0, whole(check[3]))
  end
  for at, check in ipairs(checks) do
    local counter = check[2]
    if not check.shadow and less(whole(check[4]), plus(stands[counter], sums[counter])) then
      local window = windows[counter]
      return table.concat({'0', at - 1, text(stands[counter]), window and text(window[3]) or '-'}, ' ')
    end
  end

  local reserved, set, opened = {}, {}, {}
  for _, check in ipairs(checks) do
    local kind, counter = check.kind, check[2]
    local sum = sums[counter]
    if sum and kind ~= PAST then
      sums[counter] = nil
      stands[counter] = plus(stands[counter], sum)
      local value, window = text(stands[counter]), windows[counter]
      if kind == ROLLING then
        if not window then
          window = {0, now, check[6]}
          windows[counter], opened[counter] = window, check[5]
        end
        window[1] = flat(stands[counter])
        value = cmsgpack.pack(window)
      elseif kind == SPAN and not values[counter] then
        opened[counter] = check[5]
      end
      if kind == TOTAL then
        redis.call('HSET', totals, counter, value)
      elseif kind ~= HELD or less(0, stands[counter]) then
        set[#set + 1], set[#set + 2] = counter, value
      end
      reserved[#reserved + 1] = {kind, counter, flat(sum), window and window[2]}
    end
  end
  redis.call('HSET', book, lease, cmsgpack.pack(reserved), unpack(set))
  hold(lease, now, microseconds)
  if next(opened) then note(opened) end
  return granted(checks, stands, windows)
end

local function take(step)
  local kind, lease, now = step[1], step[2], step[3]
  sweep(now)
  if kind == RESERVE then return reserve(step) end
  if kind == RENEW then
    if not redis.call('ZSCORE', leases, lease) then return '0' end
    hold(lease, now, step[4])
    return '1'
  end
  if kind == SETTLE then
    if redis.call('ZREM', leases, lease) == 1 then
      local told = {}
      for at = 4, #step, 2 do
        if not told[step[at]] then told[step[at]] = whole(step[at + 1]) end
      end
      finish(lease, told)
    end
    return ''
  end
  -- With no lease left nothing is held, whatever the sum says.
  return redis.call('EXISTS', leases) == 1 and redis.call('HGET', book, lease) or '0'
end

local lines = {}
for at, step in ipairs(cmsgpack.unpack(ARGV[1])) do lines[at] = take(step) end
return table.concat(lines, '\n')
