-- Exact 64-bit integers. Lua counts in doubles, which are exact only up to 2^53, so an amount is a decimal text outside
-- and {hi, lo} inside: value = hi * 1e9 + lo with 0 <= lo < 1e9. Sums beyond 64 bits saturate.
local BILLION = 1000000000
local MOST = {9223372036, 854775807}
local LEAST = {-9223372037, 145224192}

local function normal(hi, lo)
  local carry = math.floor(lo / BILLION)
  return {hi + carry, lo - carry * BILLION}
end

local function less(a, b)
  return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
end

local function saturate(n)
  if less(MOST, n) then return MOST end
  if less(n, LEAST) then return LEAST end
  return n
end

local function parse(text)
  local sign, digits = string.match(text, '^(-?)(%d+)$')
  local split = math.max(#digits - 9, 0)
  local hi = split > 0 and tonumber(string.sub(digits, 1, split)) or 0
  local lo = tonumber(string.sub(digits, split + 1))
  if sign == '-' then return normal(-hi, -lo) end
  return {hi, lo}
end

local function plus(a, b)
  return saturate(normal(a[1] + b[1], a[2] + b[2]))
end

local function minus(a, b)
  return saturate(normal(a[1] - b[1], a[2] - b[2]))
end

local function text(n)
  if n[1] < 0 then
    local size = normal(-n[1], -n[2])
    if size[1] == 0 then return string.format('-%.0f', size[2]) end
    return string.format('-%.0f%09.0f', size[1], size[2])
  end
  if n[1] == 0 then return string.format('%.0f', n[2]) end
  return string.format('%.0f%09.0f', n[1], n[2])
end
