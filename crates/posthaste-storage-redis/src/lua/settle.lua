-- KEYS: leases, book, then a key for each counter that is settled
-- ARGV: lease, now, then three for each of those keys: counter, the truth, `window` or `rolling`
local leases, book = KEYS[1], KEYS[2]

sweep(leases, book, ARGV[2])
if not redis.call('ZSCORE', leases, ARGV[1]) then return 0 end

local reserved = {}
for _, entry in ipairs(release(leases, book, ARGV[1])) do
  if entry[1] ~= HELD then reserved[entry[2]] = entry end
end
for at = 3, #KEYS do
  local counter, actual, kind = ARGV[3 * at - 6], ARGV[3 * at - 5], ARGV[3 * at - 4]
  local noted, stands = reserved[counter], nil
  if kind ~= 'rolling' then
    stands = redis.call('GET', KEYS[at])
  elseif noted and redis.call('HGET', KEYS[at], 'opened') == noted[4] then
    stands = redis.call('HGET', KEYS[at], 'used')
  end
  -- A window that has ended is forgotten and must not come back.
  if stands and noted then
    local sum = text(plus(minus(parse(stands), parse(noted[3])), parse(actual)))
    if kind == 'rolling' then
      redis.call('HSET', KEYS[at], 'used', sum)
    else
      redis.call('SET', KEYS[at], sum, 'KEEPTTL')
    end
    reserved[counter] = nil
  end
end
if redis.call('EXISTS', leases) == 0 then redis.call('DEL', book) end
return 1
