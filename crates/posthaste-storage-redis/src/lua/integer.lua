-- Exact 64-bit integers. Lua counts in doubles, which are exact up to 2^53. So a number is a double here as long as that holds
-- it, and {hi, lo} beyond: value = hi * 1e9 + lo with 0 <= lo < 1e9. Outside it is a decimal text, or a number where a double
-- holds it. Sums beyond 64 bits saturate.
local EXACT = 9007199254740991
local BILLION = 1000000000
local MOST = {9223372036, 854775807}
local LEAST = {-9223372037, 145224192}

local function wide(n)
  if type(n) == 'table' then return n end
  local hi = math.floor(n / BILLION)
  return {hi, n - hi * BILLION}
end

local function less(a, b)
  if type(a) == 'number' and type(b) == 'number' then return a < b end
  a, b = wide(a), wide(b)
  return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
end

-- As a double where that holds it; hi may be too large by what lo is.
local function normal(hi, lo)
  local carry = math.floor(lo / BILLION)
  hi, lo = hi + carry, lo - carry * BILLION
  if hi > -9007199 and hi < 9007199 then return hi * BILLION + lo end
  local n = {hi, lo}
  if less(MOST, n) then return MOST end
  if less(n, LEAST) then return LEAST end
  return n
end

local function whole(value)
  if type(value) == 'number' then return value end
  if #value < 16 then return tonumber(value) end
  local sign, digits = string.match(value, '^(-?)(%d+)$')
  local split = #digits - 9
  local hi, lo = tonumber(string.sub(digits, 1, split)), tonumber(string.sub(digits, split + 1))
  if sign == '-' then return normal(-hi, -lo) end
  return normal(hi, lo)
end

local function plus(a, b)
  if type(a) == 'number' and type(b) == 'number' then
    local sum = a + b
    if sum >= -EXACT and sum <= EXACT then return sum end
  end
  a, b = wide(a), wide(b)
  return normal(a[1] + b[1], a[2] + b[2])
end

local function minus(a, b)
  if type(a) == 'number' and type(b) == 'number' then
    local rest = a - b
    if rest >= -EXACT and rest <= EXACT then return rest end
  end
  a, b = wide(a), wide(b)
  return normal(a[1] - b[1], a[2] - b[2])
end

local function text(n)
  if type(n) == 'number' then return string.format('%.0f', n) end
  if n[1] < 0 then
    -- The size of it: neither part is beyond 64 bits.
    local lo = n[2] == 0 and 0 or BILLION - n[2]
    return string.format('-%.0f%09.0f', -n[1] - (lo > 0 and 1 or 0), lo)
  end
  return string.format('%.0f%09.0f', n[1], n[2])
end

-- For MessagePack.
local function flat(n)
  return type(n) == 'number' and n or text(n)
end
