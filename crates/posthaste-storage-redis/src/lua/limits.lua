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
-- `leases` is a sorted set of lease by end. `book` is a hash: a lease's field (16 bytes) holds what it reserved, a list in
-- MessagePack of kind, counter, amount and when its window opened (0 for others) of each counter; a counter's (8 bytes) what
-- is held or counted; `windows` a list of each window's counter and from when it may be swept. A rolling window is {used,
-- opened, end} in MessagePack. Moments are exact as doubles until 2255.
local leases, book, totals = KEYS[1], KEYS[2], KEYS[3]
local RESERVE, RENEW, SETTLE = 0, 1, 2
local HELD, SPAN, ROLLING, TOTAL, PAST, SHADOW = 0, 1, 2, 3, 4, 8
local SLACK, WINDOWS_KEPT = 60000, 16
local call, pack, unpacked = redis.call, cmsgpack.pack, cmsgpack.unpack

-- Ends a lease: gives back what it holds, and puts the truths that are told in the place of what it reserved: those of `told`
-- from its fourth on are counter, truth, …; the first one of a counter counts.
local function finish(lease, told)
  local noted = call('HGET', book, lease)
  if not noted then return end
  local reserved, names = unpacked(noted), {}
  for at = 2, #reserved, 4 do names[#names + 1] = reserved[at] end
  local found = names[1] and call('HMGET', book, unpack(names))
  local gone, set = {lease}, {}
  for at, counter in ipairs(names) do
    local kind, amount, stands = reserved[4 * at - 3], whole(reserved[4 * at - 1]), found[at]
    local truth
    if told then
      for place = 4, #told, 2 do
        if told[place] == counter then
          truth = whole(told[place + 1])
          break
        end
      end
    end
    local value
    if kind == HELD then
      local left = minus(whole(stands or 0), amount)
      if less(0, left) then value = text(left) else gone[#gone + 1] = counter end
    elseif kind == TOTAL and truth then
      stands = whole(call('HGET', totals, counter) or 0)
      call('HSET', totals, counter, text(plus(minus(stands, amount), truth)))
    elseif kind == SPAN and truth and stands then
      -- A window that has ended is forgotten and must not come back.
      value = text(plus(minus(whole(stands), amount), truth))
    elseif kind == ROLLING and truth and stands then
      local window = unpacked(stands)
      if window[2] == reserved[4 * at] then
        window[1] = flat(plus(minus(whole(window[1]), amount), truth))
        value = pack(window)
      end
    end
    if value then set[#set + 1], set[#set + 2] = counter, value end
  end
  call('HDEL', book, unpack(gone))
  if set[1] then call('HSET', book, unpack(set)) end
end

-- Releases the leases that have lapsed.
local function sweep(now)
  local lapsed = call('ZRANGEBYSCORE', leases, '-inf', now)
  for at = 1, #lapsed do
    call('ZREM', leases, lapsed[at])
    finish(lapsed[at])
  end
end

local function outlive(key, milliseconds)
  if call('PTTL', key) < milliseconds then call('PEXPIRE', key, milliseconds) end
end

-- Holds a lease from now on. Both keys outlive it by one to two slacks, so that they need not be told each time.
local function hold(lease, now, microseconds)
  call('ZADD', leases, now + microseconds, lease)
  local milliseconds = math.ceil(microseconds / 1000)
  if call('PTTL', leases) < milliseconds + SLACK then
    call('PEXPIRE', leases, milliseconds + 2 * SLACK)
    outlive(book, milliseconds + 2 * SLACK)
  end
end

-- Notes windows that have just opened with the moment from which they may be swept, and sweeps the oldest of those whose moment
-- has come. Some stay all the same: a clock that was set ahead and is set back finds them as they were.
local function note(opened, now)
  local noted = call('HGET', book, 'windows')
  noted = noted and unpacked(noted) or {}
  local kept, gone, beyond = {}, {}, #noted / 2 - WINDOWS_KEPT
  for at = 1, #noted, 2 do
    local counter, moment = noted[at], noted[at + 1]
    if opened[counter] then
      beyond = beyond - 1
    elseif beyond > 0 and moment <= now then
      beyond = beyond - 1
      gone[#gone + 1] = counter
    else
      kept[#kept + 1], kept[#kept + 2] = counter, moment
    end
  end
  for counter, milliseconds in pairs(opened) do
    kept[#kept + 1], kept[#kept + 2] = counter, now + milliseconds * 1000
    outlive(book, milliseconds)
  end
  call('HSET', book, 'windows', pack(kept))
  if gone[1] then call('HDEL', book, unpack(gone)) end
end

-- Lists are by the checks' numbers: where each one's counter stands, and its rolling window where one is open.
local function granted(checks, stands, windows)
  local line = {'1'}
  for at = 1, checks do
    local window = windows[at]
    line[#line + 1] = text(stands[at])
    line[#line + 1] = window and text(window[3]) or '-'
  end
  return table.concat(line, ' ')
end

local function reserve(step)
  local lease, now, microseconds, checks = step[2], step[3], step[4], #step - 4
  -- The number of the first check with the same counter; where the book's and the totals' answers have it.
  local first, names, others, place = {}, {lease}, nil, {}
  for at = 1, checks do
    local check = step[at + 4]
    local kind, counter = check[1] % SHADOW, check[2]
    first[at] = at
    for before = 1, at - 1 do
      if step[before + 4][2] == counter then
        first[at] = before
        break
      end
    end
    if first[at] == at and kind == TOTAL then
      others = others or {}
      others[#others + 1] = counter
      place[at] = #others
    elseif first[at] == at and kind ~= PAST then
      names[#names + 1] = counter
      place[at] = #names
    else
      place[at] = 0
    end
  end
  local found = call('HMGET', book, unpack(names))
  local counted = others and call('HMGET', totals, unpack(others))

  local stands, windows, alive = {}, {}, nil
  for at = 1, checks do
    local kind, value = step[at + 4][1] % SHADOW, nil
    if first[at] ~= at then
      stands[at], windows[at] = stands[first[at]], windows[first[at]]
    elseif kind == ROLLING then
      local window = found[place[at]]
      window = window and unpacked(window)
      if window and window[3] <= now then window = nil end
      stands[at], windows[at] = window and whole(window[1]) or 0, window
    else
      if kind == TOTAL then
        value = counted[place[at]]
      elseif kind ~= PAST then
        value = found[place[at]]
      end
      if kind == HELD and value then
        -- With no lease left nothing is held, whatever the sum says.
        if alive == nil then alive = call('EXISTS', leases) == 1 end
        value = alive and value
      end
      stands[at] = whole(value or 0)
    end
  end
  if found[1] then
    hold(lease, now, microseconds)
    return granted(checks, stands, windows)
  end

  -- A counter that is named twice is checked for the sum, and noted once.
  local sums = {}
  for at = 1, checks do
    local amount = whole(step[at + 4][3])
    sums[at] = amount
    if first[at] ~= at then sums[first[at]] = plus(sums[first[at]], amount) end
  end
  for at = 1, checks do
    local check = step[at + 4]
    if check[1] < SHADOW and less(whole(check[4]), plus(stands[at], sums[first[at]])) then
      local window = windows[at]
      return table.concat({'0', at - 1, text(stands[at]), window and text(window[3]) or '-'}, ' ')
    end
  end

  local reserved, set, opened = {}, {}, nil
  for at = 1, checks do
    local check = step[at + 4]
    local kind, counter = check[1] % SHADOW, check[2]
    if first[at] ~= at then
      stands[at], windows[at] = stands[first[at]], windows[first[at]]
    elseif kind ~= PAST then
      stands[at] = plus(stands[at], sums[at])
      local value, window = nil, windows[at]
      if kind == ROLLING then
        if not window then
          window = {0, now, check[6]}
          opened = opened or {}
          windows[at], opened[counter] = window, check[5]
        end
        window[1] = flat(stands[at])
        value = pack(window)
      else
        value = text(stands[at])
        if kind == SPAN and not found[place[at]] then
          opened = opened or {}
          opened[counter] = check[5]
        end
      end
      if kind == TOTAL then
        call('HSET', totals, counter, value)
      elseif kind ~= HELD or less(0, stands[at]) then
        set[#set + 1], set[#set + 2] = counter, value
      end
      local next = #reserved
      reserved[next + 1], reserved[next + 2] = kind, counter
      reserved[next + 3], reserved[next + 4] = flat(sums[at]), window and window[2] or 0
    end
  end
  call('HSET', book, lease, pack(reserved), unpack(set))
  hold(lease, now, microseconds)
  if opened then note(opened, now) end
  return granted(checks, stands, windows)
end

local function take(step)
  local kind, lease, now = step[1], step[2], step[3]
  sweep(now)
  if kind == RESERVE then return reserve(step) end
  if kind == RENEW then
    if not call('ZSCORE', leases, lease) then return '0' end
    hold(lease, now, step[4])
    return '1'
  end
  if kind == SETTLE then
    if call('ZREM', leases, lease) == 1 then finish(lease, step) end
    return ''
  end
  -- With no lease left nothing is held, whatever the sum says.
  return call('EXISTS', leases) == 1 and call('HGET', book, lease) or '0'
end

local steps = unpacked(ARGV[1])
for at = 1, #steps do steps[at] = take(steps[at]) end
return table.concat(steps, '\n')
